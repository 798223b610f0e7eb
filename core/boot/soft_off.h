/* SPDX-License-Identifier: MIT */
/* Switching the machine off by ACPI: state S5 (ACPI 6.4, 4.8.3, 7.4.2, 16.1.7). */
#ifndef EXITMETER_CORE_BOOT_SOFT_OFF_H
#define EXITMETER_CORE_BOOT_SOFT_OFF_H

#include "multiboot2.h"

/* What is to be written where, found beforehand: later the memory may be another's. */
struct soft_off {
    bool known;
    uint16_t control[2];   /* PM1a's port and PM1b's; 0: there is none */
    uint8_t type[2];       /* of the sleep, for each */
    uint16_t command_port; /* where ACPI is enabled ... */
    uint8_t enable;        /* ... and by which byte; 0: it is always */
};

/* Without ACPI, or if its tables do not say how S5 is entered, it is not known. */
void soft_off_find(const struct boot_information *information, struct soft_off *off);

/* Does it, if it is known. Returns if the machine is still on. */
void soft_off(const struct soft_off *off);

#endif
