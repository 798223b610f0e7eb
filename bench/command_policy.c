/* SPDX-License-Identifier: MIT */
/*
 * policy: what is done with policies but run under them; and policy show.
 */
#include "policy_command.h"
#include "policy_show.h"
#include "subcommand.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>

static const struct command subcommands[] = {
    {"policy compile", "its bitmaps and controls, as a file, as text or as JSON",
     command_policy_compile},
    {"policy show", "a policy, compiled or not, as the shortest text that says it",
     command_policy_show},
    {"policy diff", "what passes in one policy and exits in another: 0 the same, 1 not",
     command_policy_diff},
    {"policy audit", "what a policy lets a guest do to its host or its neighbours",
     command_policy_audit},
    {"policy derive", "the least policy for a guest, from its profile under intercept-all",
     command_policy_derive},
};

bool policy_wanted(const struct command *command, const char *name_or_path, struct policy *policy)
{
    char *error;
    if (!name_or_path) {
        say("%s: which policy? `exitmeter list` shows those that are shipped", command->name);
        return false;
    }
    if (policy_load(name_or_path, policy, &error) == 0)
        return true;
    say("%s: %s", command->name, error);
    free(error);
    return false;
}

void policy_print(json_t *document)
{
    json_dumpf(document, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(document);
}

int command_policy_show(const struct command *command, int argc, const char **argv)
{
    char *name = NULL;
    struct policy policy;
    int code;
    const struct poptOption options[] = {POPT_TABLEEND};

    if (options_read_operand(command, argc, argv, options, "POLICY", &name, &code)) {
        code = CODE_USAGE;
        if (policy_wanted(command, name, &policy)) {
            char *source = policy_text(&policy);
            fputs(source, stdout);
            free(source);
            code = CODE_DONE;
        }
    }
    free(name);
    return code;
}

int command_policy(const struct command *command, int argc, const char **argv)
{
    static const struct subcommands all = {
        subcommands, sizeof(subcommands) / sizeof(subcommands[0]), "POLICY|RUN [OPTION]...",
        "POLICY is the name of a shipped policy, or the path of a policy's text or of a compiled "
        "one."};
    return subcommands_run(command, &all, argc, argv);
}
