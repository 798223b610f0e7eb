/* SPDX-License-Identifier: MIT */
/* Commands that have commands of their own: `policy show`, `pmu list`. */
#ifndef EXITMETER_BENCH_SUBCOMMAND_H
#define EXITMETER_BENCH_SUBCOMMAND_H

#include "command.h"

#include <stddef.h>

struct subcommands {
    const struct command *list; /* their names begin with the command's and a space */
    size_t count;
    const char *usage; /* what follows SUBCOMMAND in the help */
    const char *notes; /* a paragraph behind the list; NULL: none */
};

/*
 * Runs the subcommand that argv[1] names, or shows the help, or says that there is none of that
 * name and what is near. Returns what the subcommand did, or an enum exit_code.
 */
int subcommands_run(const struct command *command, const struct subcommands *subcommands, int argc,
                    const char **argv);

#endif
