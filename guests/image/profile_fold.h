/* SPDX-License-Identifier: MIT */
/* From the probes' records to the tables of guests/profile.h, while the guest runs. */
#ifndef EXITMETER_GUESTS_IMAGE_PROFILE_FOLD_H
#define EXITMETER_GUESTS_IMAGE_PROFILE_FOLD_H

#include "../profile.h"

#include <stdbool.h>

#define PROFILE_RING_RECORDS 65536u

/*
 * From now on the records of this CPU are folded into profile, which is zeroed, whenever the ring
 * is full. ring: (1 + PROFILE_RING_RECORDS) * RECORD_SIZE bytes, 64-byte aligned. There is one
 * profile at a time.
 */
void profile_begin(struct profile *profile, struct probe_cpu *probes, void *ring);

/* Right before each vcpu_run(), and right after it; poll: what it returned for was the core's own.
 */
void profile_enter(void);
void profile_leave(bool poll);

/* Folds what is left. */
void profile_end(void);

#endif
