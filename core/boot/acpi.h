/* SPDX-License-Identifier: MIT */
/* ACPI tables, as far as the image wants any (ACPI 6.4, 5.2). */
#ifndef EXITMETER_CORE_BOOT_ACPI_H
#define EXITMETER_CORE_BOOT_ACPI_H

#include "multiboot2.h"

/* Packed: what firmware writes is aligned by chance. */
struct __attribute__((packed)) acpi_table {
    char signature[4];
    uint32_t length; /* of the whole, this head included */
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
};

/*
 * The table of that signature, whole, in reach, and its sum right; its length is at least the
 * head's. NULL if there is none, the loader passed no ACPI root pointer, or it is damaged.
 */
const struct acpi_table *acpi_table(const struct boot_information *information,
                                    const char *signature);

/* The same of the table at an address, 0 standing for none. */
const struct acpi_table *acpi_table_at(uint64_t physical, const char *signature);

#endif
