/* SPDX-License-Identifier: MIT */
/*
 * runs: the run directories there are, and which of them are damaged.
 */
#include "command.h"
#include "run_listing.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *field(const json_t *item, const char *key)
{
    const char *value = json_string_value(json_object_get(item, key));
    return value ? value : "";
}

static long long count(const json_t *item, const char *key)
{
    return json_integer_value(json_object_get(item, key));
}

static void print_item(const json_t *item, int width)
{
    size_t index;
    json_t *policy;

    if (!json_object_get(item, "created")) { /* damaged, or unfinished */
        printf("%-*s  %s: %s\n", width, field(item, "name"), field(item, "status"),
               field(item, "reason"));
        return;
    }
    printf("%-*s  %-20s %-8s %-24s %4lld %4lld %4lld  %-8s ", width, field(item, "name"),
           field(item, "created"), field(item, "target"), field(item, "cpu_model"),
           count(item, "done"), count(item, "skipped"),
           count(item, "failed") + count(item, "not_run"), field(item, "status"));
    json_array_foreach(json_object_get(item, "policies"), index, policy)
        printf("%s%s", index ? ", " : " ", json_string_value(policy));
    putchar('\n');
}

static void print_table(const json_t *list)
{
    int width = 4;
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item)
    {
        int length = (int)strlen(field(item, "name"));
        width = length > width ? length : width;
    }
    if (json_array_size(list) > 0)
        printf("%-*s  %-20s %-8s %-24s %4s %4s %4s  %-8s  %s\n", width, "run", "created", "target",
               "CPU model", "done", "skip", "fail", "status", "policies");
    json_array_foreach(list, index, item) print_item(item, width);
}

/* CODE_FAILED if any is damaged: a script need not read the table to know. */
static int judge(const json_t *list)
{
    size_t index;
    json_t *item;
    json_array_foreach(list, index,
                       item) if (strcmp(field(item, "status"), "damaged") == 0) return CODE_FAILED;
    return CODE_DONE;
}

int command_runs(const struct command *command, int argc, const char **argv)
{
    int json = 0, verify = 0, code;
    char *path = NULL;
    const struct poptOption options[] = {
        {"verify", '\0', POPT_ARG_NONE, &verify, 0,
         "also read every file: it must be what it was when the run was made", NULL},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (!options_read_operand(command, argc, argv, options, "[DIR] [OPTION]...", &path, &code))
        return code;
    json_t *list = run_listings(path ? path : "runs", verify);
    if (!list) {
        say("runs: %s: %s", path ? path : "runs", strerror(errno));
        free(path);
        return CODE_USAGE;
    }
    code = judge(list);
    if (json) {
        json_t *document = json_pack("{s:s, s:O}", "schema", "exitmeter.runs/1", "runs", list);
        json_dumpf(document, stdout, JSON_INDENT(2));
        putchar('\n');
        json_decref(document);
    } else {
        print_table(list);
    }
    json_decref(list);
    free(path);
    return code;
}
