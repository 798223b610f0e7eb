/* SPDX-License-Identifier: MIT */
/* The image's pages: one stretch of RAM, first fit, behind platform_pages_allocate(). */
#ifndef EXITMETER_CORE_BOOT_MEMORY_H
#define EXITMETER_CORE_BOOT_MEMORY_H

#include "multiboot2.h"

#include <stdbool.h>

/*
 * Takes the largest stretch of usable RAM above 1 MiB that meets none of the taken ranges. NULL on
 * success, else why not, in words.
 */
const char *memory_start(const struct boot_information *information,
                         const struct memory_range *taken, size_t taken_count);

/* Takes these pages instead, which are usable RAM that nobody else has; not more than 1 GiB. */
void memory_start_in(struct memory_range pages);

/* As platform_pages_allocate(), but neither read nor written. */
void *memory_claim(size_t count, uint64_t alignment);

/*
 * Usable RAM above 1 MiB for that many bytes, whole pages, that meets none of the taken ranges: the
 * end of the smallest stretch that is large enough. Empty if there is none.
 */
struct memory_range memory_find(const struct boot_information *information, uint64_t bytes,
                                const struct memory_range *taken, size_t taken_count);

/* Pages that nobody has. */
size_t memory_free_pages(void);

/* Whether [start, end) is usable RAM throughout. */
bool memory_is_usable(const struct boot_information *information, struct memory_range range);

#endif
