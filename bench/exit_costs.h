/* SPDX-License-Identifier: MIT */
/*
 * What an exit of a job cost the core beside time, as its records count it: means over the exits
 * in its samples, as analysis/ has them too.
 */
#ifndef EXITMETER_BENCH_EXIT_COSTS_H
#define EXITMETER_BENCH_EXIT_COSTS_H

#include "results.h"

struct exit_costs {
    double vmreads, vmwrites, msr_accesses, xsetbvs, invalidations; /* by exit */
};

/*
 * From the records of the measured phase where those count, else from the counting phase's, which
 * does the same. False if there was no exit.
 */
bool exit_costs(const struct job_outcome *outcome, struct exit_costs *costs);

#endif
