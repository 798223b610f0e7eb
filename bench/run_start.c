/* SPDX-License-Identifier: MIT */
/*
 * What every run begins with: a target that can run here, and a directory.
 */
#include "requirement.h"
#include "run_options.h"
#include "text.h"

#include <stdlib.h>

int run_check_target(const struct target *target, const char *accelerator)
{
    const struct requirement *unmet = requirement_unmet(target_needs(target, accelerator));
    if (!target->boot) {
        say("run: target %s cannot be run from here: %s", target->name, target->elsewhere);
        return CODE_UNAVAILABLE;
    }
    if (!unmet)
        return CODE_DONE;
    char *advice = requirement_advice(unmet);
    say("run: target %s cannot run here: no %s; %s", target->name, unmet->name, advice);
    free(advice);
    return CODE_UNAVAILABLE;
}

int run_open_directory(const char *output, time_t created, struct run_directory *directory)
{
    char name[48], *error;
    struct tm utc;
    gmtime_r(&created, &utc);
    strftime(name, sizeof(name), "runs/%Y%m%dT%H%M%SZ", &utc);
    if (run_directory_open(output ? output : name, directory, &error) == 0)
        return CODE_DONE;
    say("run: %s", error);
    free(error);
    return CODE_USAGE;
}
