/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "nearest.h"
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32u

/* Says what is wrong with an option, and which ones were probably meant. */
static void complain(const struct command *command, poptContext context, int error,
                     const struct poptOption *table)
{
    const char *bad = poptBadOption(context, POPT_BADOPTION_NOALIAS);
    if (error != POPT_ERROR_BADOPT) {
        say("%s: %s: %s", command->name, bad, poptStrerror(error));
        return;
    }
    char *names[OPTIONS_MAX], *word = text("%.*s", (int)strcspn(bad, "="), bad);
    size_t count = 0;
    for (; table->longName; table++)
        if (count + 1 < OPTIONS_MAX)
            names[count++] = text("--%s", table->longName);
    names[count++] = text("--help");
    char *hint = nearest_hint(word, (const char *const *)names, count);
    say("%s: unknown option %s%s", command->name, bad, hint);
    free(hint);
    free(word);
    while (count > 0)
        free(names[--count]);
}

/* operands: room for the arguments that are no options, at most so many. */
static bool read_all(const struct command *command, int argc, const char **argv,
                     const struct poptOption *table, const char *usage, char **operands,
                     size_t count, void (*more_help)(void), int *code)
{
    int help = 0;
    struct poptOption all[] = {
        {NULL, '\0', POPT_ARG_INCLUDE_TABLE, (void *)(size_t)table, 0, NULL, NULL},
        {"help", 'h', POPT_ARG_NONE, &help, 0, "show this help", NULL},
        POPT_TABLEEND,
    };
    char *name = text("exitmeter %s", command->name);
    argv[0] = name; /* as the usage line shows it */
    poptContext context = poptGetContext(name, argc, argv, all, 0);
    poptSetOtherOptionHelp(context, usage);

    *code = CODE_DONE;
    int error = poptGetNextOpt(context);
    for (size_t i = 0; i < count; i++) {
        const char *given = error == -1 ? poptGetArg(context) : NULL;
        operands[i] = given ? text("%s", given) : NULL;
    }
    const char *extra = error == -1 ? poptPeekArg(context) : NULL;
    if (help) {
        printf("%s: %s\n", name, command->summary);
        poptPrintHelp(context, stdout, 0);
        if (more_help)
            more_help();
    } else if (error < -1) {
        complain(command, context, error, table);
        *code = CODE_USAGE;
    } else if (extra) {
        say("%s: takes no argument '%s'", command->name, extra);
        *code = CODE_USAGE;
    }
    bool go_on = !help && *code == CODE_DONE;
    for (size_t i = 0; i < count && !go_on; i++) {
        free(operands[i]);
        operands[i] = NULL;
    }
    poptFreeContext(context);
    argv[0] = command->name;
    free(name);
    return go_on;
}

bool options_read(const struct command *command, int argc, const char **argv,
                  const struct poptOption *table, void (*more_help)(void), int *code)
{
    return read_all(command, argc, argv, table, "[OPTION]...", NULL, 0, more_help, code);
}

bool options_read_operand(const struct command *command, int argc, const char **argv,
                          const struct poptOption *table, const char *usage, char **operand,
                          int *code)
{
    return read_all(command, argc, argv, table, usage, operand, 1, NULL, code);
}

bool options_read_operands(const struct command *command, int argc, const char **argv,
                           const struct poptOption *table, const char *usage, char **operands,
                           size_t count, int *code)
{
    return read_all(command, argc, argv, table, usage, operands, count, NULL, code);
}
