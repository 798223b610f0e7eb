/* SPDX-License-Identifier: MIT */
/*
 * doctor: what is here, what is not, what to do about it, and which targets can run.
 */
#include "command.h"
#include "requirement.h"
#include "target.h"
#include "target_json.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

/* The targets that cannot run without it. */
static json_t *needed_for(const struct requirement *requirement)
{
    json_t *names = json_array();
    for (size_t i = 0; i < target_count; i++)
        if (requirement->needed_for & targets[i]->needs)
            json_array_append_new(names, json_string(targets[i]->name));
    return names;
}

static json_t *item_json(const struct requirement *requirement)
{
    char *found;
    enum requirement_status status = requirement_check(requirement, &found);
    char *advice = status == REQUIREMENT_OK ? text("%s", "") : requirement_advice(requirement);
    json_t *item = json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", requirement->name, "status",
                             requirement_status_name(status), "found", found ? found : "",
                             "what_to_do", advice, "needed_for", needed_for(requirement));
    free(found);
    free(advice);
    return item;
}

static const char *field(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* What was found; of what is not as it should be also what to do about it, in a line of its own. */
static void print_item(const json_t *item)
{
    const char *found = field(item, "found"), *what_to_do = field(item, "what_to_do");
    printf("%-8s %-24s %s\n", field(item, "status"), field(item, "name"),
           *found ? found : what_to_do);
    if (*found && *what_to_do)
        printf("%33s %s\n", "", what_to_do);
}

static void print_text(const json_t *document)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(document, "items"), index, item) print_item(item);
    puts("\nTargets");
    json_array_foreach(json_object_get(document, "targets"), index, item)
    {
        printf("  %-30s %s\n", field(item, "name"),
               json_is_true(json_object_get(item, "available")) ? "can run here" : "");
        target_json_print_missing(item, 33);
    }
}

int command_doctor(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (!options_read(command, argc, argv, options, NULL, &code))
        return code;

    json_t *items = json_array();
    for (size_t i = 0; i < requirement_count; i++)
        json_array_append_new(items, item_json(&requirements[i]));
    json_t *document = json_pack("{s:s, s:o, s:o}", "schema", "exitmeter.doctor/1", "items", items,
                                 "targets", targets_json());
    if (json) {
        json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        print_text(document);
    }
    json_decref(document);
    return CODE_DONE;
}
