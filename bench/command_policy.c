/* SPDX-License-Identifier: MIT */
/*
 * policy: what is done with policies but run under them; and policy show.
 */
#include "nearest.h"
#include "policy_command.h"
#include "policy_show.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command subcommands[] = {
    {"policy compile", "its bitmaps and controls, as a file, as text or as JSON",
     command_policy_compile},
    {"policy show", "a policy, compiled or not, as the shortest text that says it",
     command_policy_show},
    {"policy diff", "what passes in one policy and exits in another: 0 the same, 1 not",
     command_policy_diff},
    {"policy audit", "what a policy lets a guest do to its host or its neighbours",
     command_policy_audit},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))
#define OWN_NAME         7u /* where the subcommand's own name begins */

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
    const char *names[SUBCOMMAND_COUNT], *word = argc > 1 ? argv[1] : "";
    for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
        names[i] = subcommands[i].name + OWN_NAME;
        if (strcmp(word, names[i]) == 0)
            return subcommands[i].run(&subcommands[i], argc - 1, argv + 1);
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        printf("exitmeter policy: %s\n\nUsage: exitmeter policy SUBCOMMAND POLICY [OPTION]...\n\n",
               command->summary);
        for (size_t i = 0; i < SUBCOMMAND_COUNT; i++)
            printf("  %-15s %s\n", names[i], subcommands[i].summary);
        puts("\nPOLICY is the name of a shipped policy, or the path of a policy's text or of a "
             "compiled one.");
        return CODE_DONE;
    }
    if (argc < 2) {
        say("policy: which subcommand? `exitmeter policy --help` lists them");
        return CODE_USAGE;
    }
    char *hint = nearest_hint(word, names, SUBCOMMAND_COUNT);
    say("policy: unknown %s '%s'%s", word[0] == '-' ? "option" : "subcommand", word, hint);
    free(hint);
    return CODE_USAGE;
}
