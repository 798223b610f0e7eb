/* SPDX-License-Identifier: MIT */
/*
 * policy diff: what passes in one policy and exits in another.
 */
#include "policy_command.h"
#include "policy_diff.h"
#include "policy_name.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void print_pass(const json_t *document, const json_t *pass)
{
    unsigned first = (unsigned)json_integer_value(json_object_get(pass, "first"));
    unsigned last = (unsigned)json_integer_value(json_object_get(pass, "last"));
    const char *name = string_of(pass, "name"), *in = string_of(pass, "in");
    char *numbers = first == last ? text("0x%x", first) : text("0x%x-0x%x", first, last);

    printf("%-9s %-2s  %-21s %-32s passes in %s alone\n", string_of(pass, "what"),
           string_of(pass, "access"), numbers, name ? name : "", string_of(document, in));
    free(numbers);
}

static void print_text(const json_t *document)
{
    size_t index;
    json_t *item;
    json_array_foreach(json_object_get(document, "passes"), index, item) print_pass(document, item);
    json_array_foreach(json_object_get(document, "rules"), index, item)
        printf("rule  %-63s in %s alone\n", string_of(item, "rule"),
               string_of(document, string_of(item, "in")));
    if (json_is_true(json_object_get(document, "same")))
        printf("%s and %s are the same\n", string_of(document, "a"), string_of(document, "b"));
}

static int compare(const struct command *command, char *const names[2], bool json)
{
    struct policy *policies = zeroed(2, sizeof(*policies));
    int code = CODE_USAGE;
    if (policy_wanted(command, names[0], &policies[0]) &&
        policy_wanted(command, names[1], &policies[1])) {
        json_t *document = policy_diff(&policies[0], &policies[1]);
        code = json_is_true(json_object_get(document, "same")) ? CODE_DONE : CODE_FAILED;
        if (!json)
            print_text(document);
        if (json)
            policy_print(document);
        else
            json_decref(document);
    }
    free(policies);
    return code;
}

int command_policy_diff(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *names[2] = {NULL, NULL};
    const struct poptOption options[] = {
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operands(command, argc, argv, options, "POLICY POLICY [OPTION]...", names, 2,
                              &code)) {
        code = CODE_USAGE;
        if (names[1])
            code = compare(command, names, json);
        else
            say("%s: which two policies?", command->name);
    }
    free(names[0]);
    free(names[1]);
    return code;
}
