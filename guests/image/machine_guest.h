/* SPDX-License-Identifier: MIT */
/* Runs a guest that the user brings, which has the machine but for the core's memory. */
#ifndef EXITMETER_GUESTS_IMAGE_MACHINE_GUEST_H
#define EXITMETER_GUESTS_IMAGE_MACHINE_GUEST_H

#include "../../core/boot/multiboot2.h"
#include "driver.h"

struct machine_guest {
    struct driver *driver; /* its blob is not used */
    const struct boot_information *information;
    struct memory_range core;          /* the core's memory, whole pages */
    struct memory_range image, initrd; /* in the core's memory; the second may be empty */
    uint32_t apic_id;                  /* of this CPU */
    void (*release)(void); /* gives the guest what the core holds of the machine: interrupt lines */
};

/*
 * Loads, starts and runs it to its end, whatever that is: driver->results has it. Overwrites memory
 * outside the core's, where the loader's modules may lie. NULL, or why there was no memory for it.
 */
const char *machine_guest_run(const struct machine_guest *guest);

#endif
