/* SPDX-License-Identifier: MIT */
/*
 * What went wrong in a run, on stderr.
 */
#ifndef EXITMETER_BENCH_RUN_EXPLAIN_H
#define EXITMETER_BENCH_RUN_EXPLAIN_H

#include "run_benchmarks.h"

/* Jobs that failed or were skipped, events that were not counted, and why a run failed. */
void run_explain(const struct run *run);

#endif
