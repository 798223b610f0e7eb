/* SPDX-License-Identifier: MIT */
/*
 * compare, gate, report: run in the system's Python, from analysis/.
 */
#include "command.h"
#include "interrupt.h"
#include "places.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

int command_analysis(const struct command *command, int argc, const char **argv)
{
    const char **arguments = zeroed((size_t)argc + 4, sizeof(*arguments));
    arguments[0] = PYTHON;
    arguments[1] = "-m";
    arguments[2] = "analysis";
    memcpy(arguments + 3, argv, (size_t)argc * sizeof(*arguments)); /* the command's name first */

    interrupt_block(
        NULL); /* Python is not ready for them at once: analysis/__main__.py unblocks them */
    setenv("PYTHONPATH", places_root(), 1);
    execv(PYTHON, (char *const *)arguments);
    say("%s: cannot run " PYTHON ": %s; apt-get install python3", command->name, strerror(errno));
    free(arguments);
    return CODE_UNAVAILABLE;
}
