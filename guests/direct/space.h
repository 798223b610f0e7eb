/* SPDX-License-Identifier: MIT */
/*
 * The address space that the blob sees (blob.h), out of whatever memory there is: linear addresses
 * are as it wants them, physical ones are not. Only CR3 is: rows load the constant that
 * GUEST_PAGE_TABLES is, so the page there holds the first table.
 */
#ifndef EXITMETER_GUESTS_DIRECT_SPACE_H
#define EXITMETER_GUESTS_DIRECT_SPACE_H

#include "../../core/boot/multiboot2.h"

#include <stdbool.h>
#include <stdint.h>

struct space {
    char *memory;    /* GUEST_MEMORY_SIZE bytes, by linear addresses of the blob from 0 on */
    uint64_t device; /* physical address of what stands for the device; 0: there is nothing */
};

/*
 * Takes the memory. From then on what the loader left in the page at GUEST_PAGE_TABLES is gone.
 * NULL, or why not, in words.
 */
const char *space_make(struct space *space, const struct boot_information *information,
                       struct memory_range image);

/* Everything in it as when the blob was just loaded; it leaves to direct_leave. */
void space_load(struct space *space, const void *blob);

/*
 * Puts pages that nobody has touched since the machine started, as far as this image knows, where
 * the blob has its memory on demand: for so many samples. False if there are none left.
 */
bool space_renew_demand(struct space *space, uint32_t samples);

#endif
