/* SPDX-License-Identifier: MIT */
/*
 * pmu list: the events of PMU models, with what they count.
 */
#include "command.h"
#include "pmu_architectural.h"
#include "pmu_complaint.h"
#include "pmu_wanted.h"
#include "text.h"

#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool matches(const char *pattern, const char *event, const char *unit_mask)
{
    char *name = unit_mask ? text("%s:%s", event, unit_mask) : text("%s", event);
    bool match = !pattern || fnmatch(pattern, name, FNM_CASEFOLD) == 0;
    free(name);
    return match;
}

static const char *or_empty(const char *string)
{
    return string ? string : "";
}

/*
 * An event with its modifiers and unit masks: all of them if the pattern matches the event, else
 * those that it matches. NULL if it matches nothing.
 */
static json_t *event_json(const pfm_event_info_t *event, const char *pattern)
{
    bool whole = matches(pattern, event->name, NULL);
    json_t *masks = json_array(), *modifiers = json_array();
    int i;
    pfm_for_each_event_attr(i, event)
    {
        pfm_event_attr_info_t info = {.size = sizeof(info)};
        if (pfm_get_event_attr_info(event->idx, i, PFM_OS_NONE, &info) != PFM_SUCCESS)
            continue;
        if (info.type != PFM_ATTR_UMASK)
            json_array_append_new(modifiers, json_pack("{s:s, s:s}", "name", info.name,
                                                       "description", or_empty(info.desc)));
        else if (whole || matches(pattern, event->name, info.name))
            json_array_append_new(masks,
                                  json_pack("{s:s, s:s, s:b}", "name", info.name, "description",
                                            or_empty(info.desc), "default", (int)info.is_dfl));
    }
    if (whole || json_array_size(masks) > 0)
        return json_pack("{s:s, s:s, s:b, s:o, s:o}", "name", event->name, "description",
                         or_empty(event->desc), "architectural", 0, "unit_masks", masks,
                         "modifiers", modifiers);
    json_decref(masks);
    json_decref(modifiers);
    return NULL;
}

static void add_architectural(json_t *list, const struct pmu_model *model, const char *pattern)
{
    for (size_t i = 0; i < pmu_architectural_count; i++) {
        const struct pmu_architectural *event = &pmu_architectural_events[i];
        const char *const names[] = {event->name, event->alias};
        for (size_t k = 0; k < 2 && pmu_architectural_on(event, model); k++)
            if (names[k] && matches(pattern, names[k], NULL))
                json_array_append_new(
                    list,
                    json_pack("{s:s, s:s, s:b, s:[], s:[{s:s, s:s}, {s:s, s:s}]}", "name", names[k],
                              "description", event->title, "architectural", 1, "unit_masks",
                              "modifiers", "name", "k", "description", "monitor at priv level 0",
                              "name", "u", "description", "monitor at priv level 1, 2, 3"));
    }
}

/* NULL if the libpfm here does not have the model. */
static json_t *model_json(const struct pmu_model *model, const char *pattern)
{
    pfm_pmu_info_t pmu;
    if (!pmu_model_info(model, &pmu))
        return NULL;
    json_t *events = json_array();
    add_architectural(events, model, pattern);
    for (int next = pmu.first_event; next != -1; next = pfm_get_event_next(next)) {
        pfm_event_info_t info = {.size = sizeof(info)};
        json_t *event = NULL;
        if (pfm_get_event_info(next, PFM_OS_NONE, &info) == PFM_SUCCESS)
            event = event_json(&info, pattern);
        if (event)
            json_array_append_new(events, event);
    }
    return json_pack("{s:s, s:s, s:o}", "name", model->name, "description", pmu.desc, "events",
                     events);
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_text(const json_t *models)
{
    size_t i, k, m;
    json_t *model, *event, *mask;
    json_array_foreach(models, i, model)
    {
        printf("%s%s: %s\n", i > 0 ? "\n" : "", field(model, "name"), field(model, "description"));
        json_array_foreach(json_object_get(model, "events"), k, event)
        {
            printf("  %-36s %s\n", field(event, "name"), field(event, "description"));
            json_array_foreach(json_object_get(event, "unit_masks"), m, mask)
                printf("    :%-33s %s%s\n", field(mask, "name"), field(mask, "description"),
                       json_is_true(json_object_get(mask, "default")) ? " (default)" : "");
        }
    }
}

/* Adds those of wanted, or of every model if that is NULL. Returns how many events there are. */
static size_t add_models(json_t *list, const struct pmu_model *wanted, const char *pattern)
{
    size_t events = 0;
    for (size_t i = 0; i < pmu_model_count; i++) {
        json_t *model =
            !wanted || wanted == &pmu_models[i] ? model_json(&pmu_models[i], pattern) : NULL;
        size_t count = model ? json_array_size(json_object_get(model, "events")) : 0;
        if (count > 0)
            json_array_append(list, model);
        json_decref(model);
        events += count;
    }
    return events;
}

/* model: NULL for all of them. */
static void say_no_match(const char *command, const struct pmu_model *model, const char *pattern)
{
    char *why =
        model && !strpbrk(pattern, "*?[")
            ? pmu_complaint(pattern, model, PFM_ERR_NOTFOUND)
            : text("no event of %s matches '%s'", model ? model->name : "any model", pattern);
    say("%s: %s", command, why);
    free(why);
}

int command_pmu_list(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *name = NULL, *pattern = NULL;
    const struct poptOption options[] = {
        {"pmu-model", '\0', POPT_ARG_STRING, &name, 0,
         "PMU model, or all (that of the default target's CPU)", "MODEL"},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operand(command, argc, argv, options, "[PATTERN] [OPTION]...", &pattern,
                             &code)) {
        bool all = name && strcmp(name, "all") == 0;
        const struct pmu_model *model = pmu_model_wanted(command->name, all ? NULL : name, &code);
        json_t *list = json_array();
        if (model && add_models(list, all ? NULL : model, pattern) == 0) {
            say_no_match(command->name, all ? NULL : model, pattern ? pattern : "*");
        } else if (model && json) {
            json_t *document =
                json_pack("{s:s, s:O}", "schema", "exitmeter.pmu-list/1", "models", list);
            json_dumpf(document, stdout, JSON_INDENT(2));
            putchar('\n');
            json_decref(document);
            code = CODE_DONE;
        } else if (model) {
            print_text(list);
            code = CODE_DONE;
        }
        json_decref(list);
    }
    free(name);
    free(pattern);
    return code;
}
