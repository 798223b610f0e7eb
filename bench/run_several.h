/* SPDX-License-Identifier: MIT */
/*
 * Several runs of the same benchmarks, one for each target, or for each CPU model and image, side
 * by side: each is made by a process of its own, as many at a time as the options say, and is the
 * run that it would be alone. RUN then holds a run directory for each, RUN/TARGET, or RUN/MODEL,
 * RUN/coreN or RUN/coreN-MODEL, and comes into being whole or not at all. Where a target's figures
 * suffer from others that run beside it, they run one after another.
 */
#ifndef EXITMETER_BENCH_RUN_SEVERAL_H
#define EXITMETER_BENCH_RUN_SEVERAL_H

#include "run_benchmarks.h"

/*
 * Returns what the worst of them would have returned: CODE_FAILED before CODE_USAGE before
 * CODE_UNAVAILABLE; or more after a signal. begun: as in struct run.
 */
int run_several(const struct run_options *options, const struct run_facts *facts, double begun);

#endif
