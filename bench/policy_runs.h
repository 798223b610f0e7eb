/* SPDX-License-Identifier: MIT */
/*
 * Ranges of MSRs and ports for which something holds: what show, diff and audit say of bitmaps.
 */
#ifndef EXITMETER_BENCH_POLICY_RUNS_H
#define EXITMETER_BENCH_POLICY_RUNS_H

#include "policy_name.h"

#include <stdbool.h>
#include <stddef.h>

#define ACCESS_READ  1u
#define ACCESS_WRITE 2u
#define ACCESS_BOTH  3u

struct access_run {
    uint32_t first, last;
    unsigned access; /* ACCESS_*; of a port always ACCESS_BOTH, which has one bit for both */
};

/*
 * Whether it holds for an access to that MSR, or to that port, then with write false. *last, which
 * is number, may be raised as far as the answer is the same for all numbers up to there.
 */
typedef bool run_holds(const void *context, enum number_space space, uint32_t number, bool write,
                       uint32_t *last);

/*
 * The longest ranges from first to last for which it holds, of reads and of writes, and of both
 * where those are the same; in ascending order; *runs to be freed. MSRs that have no bits are left
 * out. Returns how many.
 */
size_t runs_find(enum number_space space, uint32_t first, uint32_t last, run_holds *holds,
                 const void *context, struct access_run **runs);

/* "r", "w" or "rw". */
const char *access_text(unsigned access);

#endif
