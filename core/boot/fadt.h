/* SPDX-License-Identifier: MIT */
/* How this machine is put to sleep, by ACPI's fixed description table (ACPI 6.4, 5.2.9, 4.8.3). */
#ifndef EXITMETER_CORE_BOOT_FADT_H
#define EXITMETER_CORE_BOOT_FADT_H

#include "multiboot2.h"

#include <stdbool.h>

#define FADT_CONTROLS 2u

/* PM1 control registers: a write of SLP_EN, which is bit 13, leaves for the state in bits 12:10. */
struct fadt_ports {
    uint16_t control[FADT_CONTROLS]; /* first port of PM1a's and of PM1b's; 0: there is none */
};

/* False if the machine has no such table, or it names no port. */
bool fadt_read(const struct boot_information *information, struct fadt_ports *ports);

#endif
