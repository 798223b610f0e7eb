/* SPDX-License-Identifier: MIT */
/*
 * pmu: the performance events that can be named, for which CPU models, and what they become.
 */
#include "command.h"
#include "pmu_groups.h"
#include "pmu_wanted.h"
#include "subcommand.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static void print_json(json_t *document)
{
    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
}

static int command_pmu_models(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    const struct pmu_model *usual = NULL;
    if (options_read(command, argc, argv, options, NULL, &code))
        usual = pmu_model_wanted(command->name, NULL, &code);
    if (!usual)
        return code;
    json_t *list = json_array();
    for (size_t i = 0; i < pmu_model_count; i++) {
        const struct pmu_model *model = &pmu_models[i];
        pfm_pmu_info_t info;
        if (pmu_model_info(model, &info))
            json_array_append_new(list,
                                  json_pack("{s:s, s:s, s:i, s:i, s:i, s:b}", "name", model->name,
                                            "description", info.desc, "general_counters",
                                            (int)model->general_counters, "fixed_counters",
                                            (int)model->fixed_counters, "events", info.nevents,
                                            "default", model == usual));
    }
    json_t *document = json_pack("{s:s, s:o}", "schema", "exitmeter.pmu-models/1", "models", list);
    if (json) {
        print_json(document);
    } else {
        size_t index;
        json_t *item;
        json_array_foreach(list, index, item)
            printf("  %-8s %-32s %3d events, %d general and %d fixed counters%s\n",
                   json_string_value(json_object_get(item, "name")),
                   json_string_value(json_object_get(item, "description")),
                   (int)json_integer_value(json_object_get(item, "events")),
                   (int)json_integer_value(json_object_get(item, "general_counters")),
                   (int)json_integer_value(json_object_get(item, "fixed_counters")),
                   json_is_true(json_object_get(item, "default")) ? " (default)" : "");
    }
    json_decref(document);
    return CODE_DONE;
}

static json_t *slot_json(const struct pmu_slot *slot)
{
    return json_pack("{s:i, s:s, s:i}", "run", (int)slot->group, "counter_kind",
                     slot->fixed ? "fixed" : "general", "counter", (int)slot->counter);
}

static json_t *encoding_json(const struct pmu_event *event, const struct pmu_slot *slots)
{
    json_t *fixed = event->fixed < 0 ? json_null() : json_integer(event->fixed);
    json_t *item = json_pack("{s:s, s:s, s:I, s:o, s:I, s:o, s:o}", "name", event->name,
                             "full_name", event->full_name, "selector", (json_int_t)event->selector,
                             "fixed", fixed, "counters", (json_int_t)event->counters, "host",
                             slot_json(&slots[PLAN_HOST]), "guest", slot_json(&slots[PLAN_GUEST]));
    if (event->extra_msr) {
        json_object_set_new(item, "extra_msr", json_integer(event->extra_msr));
        json_object_set_new(item, "extra_value", json_integer((json_int_t)event->extra_value));
    }
    return item;
}

static void print_slot(const char *side, const struct pmu_slot *slot)
{
    printf("%s: run %u, %s counter %u", side, (unsigned)slot->group,
           slot->fixed ? "fixed" : "general", slot->counter);
}

static void print_encoding(const struct pmu_event *event, const struct pmu_slot *slots)
{
    printf("  %-28s 0x%09llx  ", event->name, (unsigned long long)event->selector);
    print_slot("host", &slots[PLAN_HOST]);
    print_slot("; guest", &slots[PLAN_GUEST]);
    if (event->extra_msr)
        printf(", with MSR 0x%x = 0x%llx", event->extra_msr,
               (unsigned long long)event->extra_value);
    putchar('\n');
}

/* Encodes and places the events as `run --pmu` does, and prints what became of them. */
static int encode(const char *command, const char *list, const struct pmu_model *model, bool json)
{
    struct pmu_groups groups;
    char *error = NULL;

    if (pmu_groups_make(list, model, &groups, &error) < 0) {
        say("%s: %s", command, error);
        free(error);
        return CODE_USAGE;
    }
    json_t *items = json_array();
    for (size_t i = 0; i < groups.event_count; i++) {
        if (json)
            json_array_append_new(items, encoding_json(&groups.events[i], groups.slots[i]));
        else
            print_encoding(&groups.events[i], groups.slots[i]);
    }
    json_t *document =
        json_pack("{s:s, s:s, s:i, s:o}", "schema", "exitmeter.pmu-encoding/2", "model",
                  model->name, "runs", (int)groups.group_count, "events", items);
    if (json)
        print_json(document);
    json_decref(document);
    pmu_groups_free(&groups);
    return CODE_DONE;
}

static int command_pmu_encode(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *name = NULL, *list = NULL;
    const struct poptOption options[] = {
        {"pmu-model", '\0', POPT_ARG_STRING, &name, 0,
         "PMU model (that of the default target's CPU)", "MODEL"},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operand(command, argc, argv, options, "EVENT[,EVENT]... [OPTION]...", &list,
                             &code)) {
        const struct pmu_model *model = NULL;
        code = CODE_USAGE;
        if (!list)
            say("%s: which events? `exitmeter pmu list` shows them", command->name);
        else
            model = pmu_model_wanted(command->name, name, &code);
        if (model)
            code = encode(command->name, list, model, json);
    }
    free(name);
    free(list);
    return code;
}

static const struct command subcommands[] = {
    {"pmu list", "events of a PMU model, with unit masks and modifiers", command_pmu_list},
    {"pmu models", "PMU models there are", command_pmu_models},
    {"pmu encode", "what events become: selectors, counters, runs", command_pmu_encode},
};

int command_pmu(const struct command *command, int argc, const char **argv)
{
    static const struct subcommands all = {
        subcommands, sizeof(subcommands) / sizeof(subcommands[0]), "[OPTION]...", NULL};
    return subcommands_run(command, &all, argc, argv);
}
