/* SPDX-License-Identifier: MIT */
/* Which CPUs there are, by ACPI's multiple APIC description table (ACPI 6.4, 5.2.12). */
#ifndef EXITMETER_CORE_BOOT_MADT_H
#define EXITMETER_CORE_BOOT_MADT_H

#include "multiboot2.h"

/*
 * The local APIC ids of the enabled CPUs, this one among them, in the table's order: at most that
 * many. How many; 0 if the loader passed no ACPI root pointer, or the tables are damaged.
 */
uint32_t madt_apic_ids(const struct boot_information *information, uint32_t *ids, uint32_t most);

#endif
