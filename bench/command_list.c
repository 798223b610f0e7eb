/* SPDX-License-Identifier: MIT */
/*
 * list: the benchmarks, policies and targets there are.
 */
#include "command.h"
#include "corpus_json.h"
#include "places.h"
#include "policy.h"
#include "requirement.h"
#include "target.h"
#include "text.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *benchmarks_json(const struct corpus *corpus)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < corpus->count; i++)
        json_array_append_new(list, benchmark_json(&corpus->benchmarks[i]));
    return list;
}

static json_t *policies_json(void)
{
    size_t count;
    char **names = policy_names(&count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        char *description = policy_description(names[i]);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", names[i], "description", description));
        free(description);
        free(names[i]);
    }
    free(names);
    return list;
}

static json_t *targets_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < target_count; i++) {
        const struct target *target = targets[i];
        const struct requirement *unmet = requirement_unmet(target->needs);
        char *advice = unmet ? requirement_advice(unmet) : text("%s", "");
        json_t *models = json_array();
        for (const char *const *model = target->cpu_models; *model; model++)
            json_array_append_new(models, json_string(*model));
        json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:b, s:s, s:s, s:s, s:o}", "name",
                                              target->name, "description", target->description,
                                              "unit", target->unit, "available", !unmet, "missing",
                                              unmet ? unmet->name : "", "package",
                                              unmet && unmet->package ? unmet->package : "",
                                              "what_to_do", advice, "cpu_models", models));
        free(advice);
    }
    return list;
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_text(const json_t *document)
{
    size_t index;
    json_t *item;
    puts("Benchmarks");
    json_array_foreach(json_object_get(document, "benchmarks"), index, item)
        printf("  %-24s %-9s %-24s %s\n", field(item, "name"), field(item, "kind"),
               field(item, "instruction"), field(item, "description"));
    puts("\nPolicies");
    json_array_foreach(json_object_get(document, "policies"), index, item)
        printf("  %-28s %s\n", field(item, "name"), field(item, "description"));
    puts("\nTargets");
    json_array_foreach(json_object_get(document, "targets"), index, item)
    {
        printf("  %-24s %s\n", field(item, "name"), field(item, "description"));
        if (!json_is_true(json_object_get(item, "available")))
            printf("  %-24s not here: no %s; %s\n", "", field(item, "missing"),
                   field(item, "what_to_do"));
    }
}

int command_list(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *path = NULL, *error;
    struct corpus corpus;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        {"corpus", '\0', POPT_ARG_STRING, &path, 0, "guest blob to read", "BLOB"},
        POPT_TABLEEND,
    };
    if (!options_read(command, argc, argv, options, NULL, &code)) {
        free(path);
        return code;
    }
    bool built = !path;
    if (built)
        path = place(PLACE_GUESTS);
    if (corpus_open(path, &corpus, &error) < 0) {
        say("list: %s%s", error, built ? "; run `make`" : "");
        free(error);
        free(path);
        return built ? CODE_UNAVAILABLE : CODE_USAGE;
    }
    json_t *document =
        json_pack("{s:s, s:o, s:o, s:o}", "schema", "exitmeter.list/1", "benchmarks",
                  benchmarks_json(&corpus), "policies", policies_json(), "targets", targets_json());
    if (json) {
        json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(document);
    }
    json_decref(document);
    corpus_close(&corpus);
    free(path);
    return CODE_DONE;
}
