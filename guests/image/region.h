/* SPDX-License-Identifier: MIT */
/*
 * The results region (guests/results.h) from where the plan is read to the image's end, and with it
 * what boot calls at the end: image_failed() and image_deliver().
 */
#ifndef EXITMETER_GUESTS_IMAGE_REGION_H
#define EXITMETER_GUESTS_IMAGE_REGION_H

#include "../../core/boot/multiboot2.h"
#include "../results.h"

/*
 * The results region lies where the plan says, if that is RAM of which nobody has a part; else
 * wherever there is room. Behind the taken ranges there is room for one more, which it becomes.
 * Its header is filled in as far as it is known by then; with PLAN_RESUME, unless it is the header
 * of a run that was broken off. NULL, or why not.
 */
const char *region_claim(const struct boot_information *information, const struct plan_header *plan,
                         struct memory_range *taken, size_t taken_count);

/* NULL until it is claimed. */
struct results_header *region_results(void);

/* How the run as a whole ended; once it is claimed. */
void region_conclude(enum result_status status, const char *reason);

#endif
