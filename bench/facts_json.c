/* SPDX-License-Identifier: MIT */
#include "facts_json.h"

#include "text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

json_t *fact_hex(unsigned digits, uint64_t value)
{
    return json_sprintf("0x%0*" PRIx64, (int)digits, value);
}

json_t *fact_string(const char *string)
{
    json_t *json = json_string(string);
    if (json)
        return json;
    char *safe = printable(text("%s", string));
    json = json_string(safe);
    free(safe);
    return json;
}

json_t *fact_command(const struct run_facts *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < facts->command_count; i++)
        json_array_append_new(list, fact_string(facts->command[i]));
    return list;
}

json_t *fact_created(time_t created)
{
    char date[32];
    struct tm utc;
    gmtime_r(&created, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(date);
}

json_t *fact_controls(const struct controls_in_force *controls)
{
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "pin_based", fact_hex(8, controls->pin_based),
        "primary", fact_hex(8, controls->primary), "secondary", fact_hex(8, controls->secondary),
        "exit", fact_hex(8, controls->exit), "entry", fact_hex(8, controls->entry), "vpid",
        (json_int_t)controls->vpid, "ept_pointer", fact_hex(16, controls->ept_pointer));
}

int fact_write(const char *directory, json_t *json, size_t flags)
{
    char *dump = json ? json_dumps(json, flags | JSON_REAL_PRECISION(15)) : NULL;
    if (!dump)
        return -1;
    char *content = text("%s\n", dump), *path = text("%s/run.json", directory);
    int result = file_write(path, content, strlen(content));
    free(path);
    free(content);
    free(dump);
    json_decref(json);
    return result;
}
