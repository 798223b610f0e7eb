/* SPDX-License-Identifier: MIT */
/* What a start needs of memory: descriptors and page tables. */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_START_H
#define EXITMETER_GUESTS_LOADER_LOAD_START_H

#include "load_plan.h"

/*
 * Sets result->start, and places the GDT for protected and long mode, and for long mode the page
 * tables. NULL, or why not. The image's own pieces come first: these go where there is room.
 */
const char *load_prepare_start(struct load_plan *plan, enum load_start start);

/* "real", "protected", "long". */
const char *load_start_name(enum load_start start);

#endif
