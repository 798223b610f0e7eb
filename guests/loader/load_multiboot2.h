/* SPDX-License-Identifier: MIT */
/* The information that a multiboot 2 kernel gets. */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_MULTIBOOT2_H
#define EXITMETER_GUESTS_LOADER_LOAD_MULTIBOOT2_H

#include "load_plan.h"

/* Whether the information has what a kernel may want by having it only where it applies. */
bool load_information_offers(const struct load_request *request, uint32_t type);

/*
 * Composes it in scratch->information; returns its size. The image's own load address is told to a
 * relocatable one; the module is where the initial RAM disk lies, if there is one.
 */
uint64_t load_information2(struct load_plan *plan, bool relocatable, uint64_t start,
                           uint64_t module);

#endif
