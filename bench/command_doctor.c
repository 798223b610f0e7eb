/* SPDX-License-Identifier: MIT */
/*
 * doctor: what is here, what is not, and what to do about it.
 */
#include "command.h"
#include "requirement.h"
#include "text.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

static json_t *item_json(const struct requirement *requirement)
{
    char *found;
    enum requirement_status status = requirement_check(requirement, &found);
    char *advice = status == REQUIREMENT_OK ? text("%s", "") : requirement_advice(requirement);
    json_t *item = json_pack("{s:s, s:s, s:s, s:s}", "name", requirement->name, "status",
                             requirement_status_name(status), "found", found ? found : "",
                             "what_to_do", advice);
    free(found);
    free(advice);
    return item;
}

static void print_item(const json_t *item)
{
    const char *found = json_string_value(json_object_get(item, "found"));
    const char *what_to_do = json_string_value(json_object_get(item, "what_to_do"));
    printf("%-8s %-24s %s\n", json_string_value(json_object_get(item, "status")),
           json_string_value(json_object_get(item, "name")), *what_to_do ? what_to_do : found);
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
    json_t *document = json_pack("{s:s, s:o}", "schema", "exitmeter.doctor/1", "items", items);
    if (json) {
        json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        size_t index;
        json_t *item;
        json_array_foreach(items, index, item) print_item(item);
    }
    json_decref(document);
    return CODE_DONE;
}
