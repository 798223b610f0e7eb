/* SPDX-License-Identifier: MIT */
#include "madt.h"

#include "acpi.h"

#include <stddef.h>

enum {
    ENTRY_LOCAL_APIC = 0,
    ENTRY_LOCAL_X2APIC = 9,
};

#define CPU_ENABLED 1u

struct __attribute__((packed)) madt {
    struct acpi_table table;
    uint32_t local_apic;
    uint32_t flags;
};

struct __attribute__((packed)) local_apic_entry {
    uint8_t type, length;
    uint8_t processor, id;
    uint32_t flags;
};

struct __attribute__((packed)) local_x2apic_entry {
    uint8_t type, length;
    uint16_t reserved;
    uint32_t id;
    uint32_t flags;
    uint32_t processor;
};

uint32_t madt_apic_ids(const struct boot_information *information, uint32_t *ids, uint32_t most)
{
    const struct acpi_table *madt = acpi_table(information, "APIC");
    uint32_t count = 0;

    for (uint32_t at = sizeof(struct madt); madt && at + 2 <= madt->length && count < most;) {
        const uint8_t *entry = (const uint8_t *)madt + at;
        if (entry[1] < 2 || entry[1] > madt->length - at)
            break;
        const struct local_apic_entry *xapic = (const void *)entry;
        const struct local_x2apic_entry *x2apic = (const void *)entry;
        if (entry[0] == ENTRY_LOCAL_APIC && entry[1] >= sizeof(*xapic) &&
            xapic->flags & CPU_ENABLED)
            ids[count++] = xapic->id;
        if (entry[0] == ENTRY_LOCAL_X2APIC && entry[1] >= sizeof(*x2apic) &&
            x2apic->flags & CPU_ENABLED)
            ids[count++] = x2apic->id;
        at += entry[1];
    }
    return count;
}
