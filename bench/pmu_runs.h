/* SPDX-License-Identifier: MIT */
/*
 * Which event counts in which run, on which counter. More events than counters means more runs,
 * never multiplexing: each event counts all the time in one run.
 */
#ifndef EXITMETER_BENCH_PMU_RUNS_H
#define EXITMETER_BENCH_PMU_RUNS_H

#include "pmu_event.h"

#define PMU_COUNTERS_MAX 32u

struct pmu_place {
    size_t run; /* from 0 */
    bool fixed; /* a fixed counter, or a general one */
    unsigned counter;
};

/*
 * Gives each event its place, places[i], on a CPU with so many general and fixed counters: in the
 * first run that still has a counter for it and agrees with its extra MSR, on a fixed counter
 * rather than a general one; at most so many of each side, the host's and the guest's, in one run.
 * Returns 0 and the number of runs, or -1 and *error, to be freed, for an event that no counter of
 * this CPU counts.
 */
int pmu_runs_make(const struct pmu_event *events, size_t count, unsigned general_counters,
                  unsigned fixed_counters, unsigned each_side, struct pmu_place *places,
                  size_t *runs, char **error);

#endif
