/* SPDX-License-Identifier: MIT */
#include "subcommand.h"

#include "nearest.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Its name within its command. */
static const char *own_name(const struct command *command, const struct command *subcommand)
{
    return subcommand->name + strlen(command->name) + 1;
}

static void help(const struct command *command, const struct subcommands *subcommands)
{
    int width = 0;
    for (size_t i = 0; i < subcommands->count; i++) {
        int length = (int)strlen(own_name(command, &subcommands->list[i]));
        width = length > width ? length : width;
    }
    printf("exitmeter %s: %s\n\nUsage: exitmeter %s SUBCOMMAND %s\n\n", command->name,
           command->summary, command->name, subcommands->usage);
    for (size_t i = 0; i < subcommands->count; i++)
        printf("  %-*s  %s\n", width, own_name(command, &subcommands->list[i]),
               subcommands->list[i].summary);
    if (subcommands->notes)
        printf("\n%s\n", subcommands->notes);
}

static void complain(const struct command *command, const struct subcommands *subcommands,
                     const char *word)
{
    const char **names = zeroed(subcommands->count, sizeof(*names));
    for (size_t i = 0; i < subcommands->count; i++)
        names[i] = own_name(command, &subcommands->list[i]);
    char *hint = nearest_hint(word, names, subcommands->count);
    say("%s: unknown %s '%s'%s", command->name, word[0] == '-' ? "option" : "subcommand", word,
        hint);
    free(hint);
    free(names);
}

int subcommands_run(const struct command *command, const struct subcommands *subcommands, int argc,
                    const char **argv)
{
    if (argc < 2) {
        say("%s: which subcommand? `exitmeter %s --help` lists them", command->name, command->name);
        return CODE_USAGE;
    }
    for (size_t i = 0; i < subcommands->count; i++) {
        const struct command *subcommand = &subcommands->list[i];
        if (strcmp(argv[1], own_name(command, subcommand)) == 0)
            return subcommand->run(subcommand, argc - 1, argv + 1);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        help(command, subcommands);
        return CODE_DONE;
    }
    complain(command, subcommands, argv[1]);
    return CODE_USAGE;
}
