/* SPDX-License-Identifier: MIT */
/* The sums in the results, of the level "counts" and of several rounds: whether they can be. */
#ifndef EXITMETER_BENCH_RESULTS_SUMS_H
#define EXITMETER_BENCH_RESULTS_SUMS_H

#include "../guests/results.h"

#include <stdbool.h>

/* More than this has nobody counted. All that is below adds up in 64 bits, with a sign. */
#define COUNT_MOST (1ull << 56)

bool totals_sound(const struct probe_totals *totals);

/*
 * What is wrong with what rounds of so many samples each were folded into, to be freed; or NULL:
 * they are as many as asked for, in order, and each histogram holds what it says.
 */
char *folded_wrong(const struct phase_folded *folded, uint32_t rounds, uint32_t samples);

#endif
