/* SPDX-License-Identifier: MIT */
/* At the image's end: what it has to say goes over the serial line, where the plan wants that. */
#ifndef EXITMETER_GUESTS_IMAGE_DELIVER_H
#define EXITMETER_GUESTS_IMAGE_DELIVER_H

#include "../../core/boot/multiboot2.h"
#include "../plan.h"
#include "../results.h"

/* From now on there is something to deliver. notes: the module of that name; NULL if none. */
void deliver_prepare(const struct plan_header *plan, const struct boot_module *notes);

/* And these with it, of plan->results_size bytes. */
void deliver_with(const struct results_header *results);

/*
 * Sends everything as it is now, in one pass, as a run of its own: for an image that may not live
 * to send more. Nothing where the plan does not want results over the line.
 */
void deliver_so_far(void);

/*
 * Shows the results, and sends everything, the console's text included; once, and as far as the
 * plan wants it. Where it wants the machine left on, and there is a screen, it does not return.
 */
void deliver(void);

#endif
