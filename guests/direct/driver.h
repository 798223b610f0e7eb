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
    void (*complete)(void);
};

/*
 * Every job ends with its status and reason in the results; a row is given seconds for a phase.
 * Rows that may never come back run last. Before that the results are as they shall be if one does
 * not: `complete` is called then, if there are such rows.
 */
void direct_run(struct direct *direct);

#endif
