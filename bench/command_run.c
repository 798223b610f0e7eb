/* SPDX-License-Identifier: MIT */
/*
 * run: benchmarks on one CPU model, or on several side by side; or a guest of the user's own.
 */
#include "child.h"
#include "run_guest.h"
#include "run_several.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static int run_one(const struct run_options *options, const struct run_facts *facts, double begun)
{
    struct run run = {.options = *options, .facts = *facts, .begun = begun};
    int code = run_alone(&run);
    run_release(&run);
    return code;
}

int command_run(const struct command *command, int argc, const char **argv)
{
    struct run_options options;
    struct run_facts facts = {.created = time(NULL)};
    double begun = monotonic_seconds();
    int code;
    size_t count = 1 + (size_t)argc;
    const char **line = zeroed(count, sizeof(*line)); /* as given: reading changes argv */

    line[0] = "exitmeter";
    memcpy(line + 1, argv, (size_t)argc * sizeof(*line));
    if (run_options_read(command, argc, argv, &options, &code)) {
        facts.target = options.target;
        facts.cpu_model = options.cpu_model;
        facts.command = line;
        facts.command_count = count;
        if (options.image)
            code = run_guest(&options, &facts);
        else if (options.targets[1] || options.cpu_models[1] || options.cores[1])
            code = run_several(&options, &facts, begun);
        else
            code = run_one(&options, &facts, begun);
    }
    run_options_free(&options);
    free(line);
    return code;
}
