/* SPDX-License-Identifier: MIT */
#include "calibration.h"
#include "monitor.h"

#include <string.h>

/* TSC cycles that CPUID takes on a bare CPU, at most; an exit has never been had for that. */
#define CPUID_BARE 400

/* Net p50 of CPUID, or 0 if there is none. */
static int64_t cpuid_of(const struct experiment *experiment, const struct results *results)
{
    struct calibration_figure figures[CALIBRATION_FIGURES];

    calibration_read(experiment, results, figures);
    for (size_t i = 0; i < CALIBRATION_FIGURES; i++)
        if (strcmp(figures[i].name, "cpuid") == 0 && !figures[i].absent)
            return figures[i].p50;
    return 0;
}

/* CPUID is as short an exit as there is: what takes less than half as long takes none. */
const char *monitor_seems(int64_t p50, int64_t cpuid)
{
    if (cpuid <= CPUID_BARE)
        return NULL;
    return p50 >= cpuid / 4 * 3 ? "exit" : p50 < cpuid / 2 ? "no exit" : "unclear";
}

void monitor_guess(const struct monitor *monitor, const struct experiment *experiment,
                   const struct results *results)
{
    int64_t cpuid = experiment->calibrations ? cpuid_of(experiment, results) : 0;

    if (!monitor->guesses || !monitor_seems(0, cpuid))
        return;
    for (size_t i = 0; i < monitor->job_count && i < experiment->job_count; i++) {
        const struct job_outcome *outcome = &results->jobs[i];
        if (outcome->status == RESULT_DONE && outcome->has_digest)
            monitor->jobs[i].facts =
                json_pack("{s:s}", "seems", monitor_seems(outcome->digest.p50, cpuid));
    }
}
