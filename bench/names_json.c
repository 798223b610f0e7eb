/* SPDX-License-Identifier: MIT */
#include "names_json.h"

#include "files.h"
#include "policy_bitmap.h"
#include "policy_name.h"
#include "text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* In the order of the lists, where the first of several names is the one to show. */
static json_t *ranges_json(enum number_space space)
{
    size_t count;
    const struct named_range *ranges = name_table(space, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(
            list, json_pack("{s:o, s:o, s:s}", "first", json_sprintf("0x%x", ranges[i].first),
                            "last", json_sprintf("0x%x", ranges[i].last), "name", ranges[i].name));
    return list;
}

static json_t *exceptions_json(void)
{
    json_t *list = json_array();
    for (size_t i = 0; i < EXCEPTION_NAMES; i++)
        json_array_append_new(list, json_pack("{s:i, s:s}", "vector", exception_vectors[i], "name",
                                              exception_names[i]));
    return list;
}

int names_json_write(const char *directory)
{
    json_t *names = json_pack("{s:s, s:o, s:o, s:o}", "schema", "exitmeter.names/1", "msrs",
                              ranges_json(NUMBERS_MSR), "ports", ranges_json(NUMBERS_IO),
                              "exceptions", exceptions_json());
    char *dump = json_dumps(names, JSON_INDENT(1)), *content = text("%s\n", dump);
    char *path = text("%s/names.json", directory);
    int result = file_write(path, content, strlen(content));
    free(path);
    free(content);
    free(dump);
    json_decref(names);
    return result;
}
