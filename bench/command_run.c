/* SPDX-License-Identifier: MIT */
/*
 * run: select, boot once, take the results apart, leave a run directory.
 */
#include "run_benchmarks.h"
#include "run_guest.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

int command_run(const struct command *command, int argc, const char **argv)
{
    struct run run = {0};
    int code;
    size_t count = 1 + (size_t)argc;
    const char **line = zeroed(count, sizeof(*line)); /* as given: reading changes argv */

    line[0] = "exitmeter";
    memcpy(line + 1, argv, (size_t)argc * sizeof(*line));
    if (run_options_read(command, argc, argv, &run.options, &code)) {
        run.facts.target = run.options.target;
        run.facts.cpu_model = run.options.cpu_model;
        run.facts.command = line;
        run.facts.command_count = count;
        run.facts.created = time(NULL);
        code = run.options.image ? run_guest(&run.options, &run.facts) : run_alone(&run);
    }
    run_release(&run);
    run_options_free(&run.options);
    free(line);
    return code;
}
