/* SPDX-License-Identifier: MIT */
/*
 * Runs a plan as the guest of whatever has booted this image: each job's benchmark through its
 * phases, into the results. There is no policy, as the monitor has its own, and no probe: exits
 * cannot be seen from inside, only how long they take.
 */
#ifndef EXITMETER_GUESTS_DIRECT_DRIVER_H
#define EXITMETER_GUESTS_DIRECT_DRIVER_H

#include "../results.h"
#include "space.h"

struct direct {
    const struct plan_header *plan; /* has passed plan_check() */
    const void *blob;               /* has passed blob_check() */
    struct results_header *results;
    struct space *space;
    void (*begins)(uint32_t job); /* told before each job */
    /* Called before the first of the rows that may never come back, with results as if none did. */
    void (*so_far)(void);
};

/*
 * Every job ends with its status and reason in the results; a row is given seconds for a phase.
 * Rows that may never come back run last. Where results are there already, it goes on behind them,
 * and the job that had begun is the one that did not come back.
 */
void direct_run(struct direct *direct);

#endif
