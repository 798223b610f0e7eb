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

/* Sends everything, the console's text included; once. Nothing where the plan does not want it. */
void deliver(void);

#endif
