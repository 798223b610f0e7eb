/* SPDX-License-Identifier: MIT */
/*
 * The machine as a guest sees it that has it for its own: every physical address is the same one of
 * the machine, but for the core's memory, of which it is told that it is reserved, and where there
 * is nothing.
 */
#ifndef EXITMETER_GUESTS_IMAGE_MACHINE_MAP_H
#define EXITMETER_GUESTS_IMAGE_MACHINE_MAP_H

#include "../../core/boot/multiboot2.h"
#include "../../core/vmx/ept.h"
#include "../loader/loader.h"

#include <stdbool.h>

/*
 * The firmware's map with the core's range taken out of RAM and reserved: ranges for the loader, at
 * most LOAD_RANGES_MAX. How many; 0 if there are more.
 */
unsigned machine_memory(const struct boot_memory *map, size_t count, struct memory_range core,
                        struct load_range *ranges);

/* Bytes of RAM among them. */
uint64_t machine_ram(const struct load_range *ranges, unsigned count);

/*
 * Maps all that a physical address of so many bits can name but core, which is whole pages. What
 * the ranges call RAM, ACPI tables or non-volatile storage is write-back, all else uncacheable:
 * under EPT the MTRRs have no say (SDM Vol. 3C 29.3.7.2). False if memory ran out.
 */
bool machine_map(struct ept *ept, const struct load_range *ranges, unsigned count,
                 struct memory_range core, unsigned physical_bits);

#endif
