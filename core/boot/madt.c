/* SPDX-License-Identifier: MIT */
#include "madt.h"

#include "../platform.h"

#include <stdbool.h>
#include <string.h>

#define TABLE_MOST 0x100000u /* bytes; no machine has longer ones */

enum {
    ENTRY_LOCAL_APIC = 0,
    ENTRY_LOCAL_X2APIC = 9,
};

#define CPU_ENABLED 1u

/* Packed: what firmware writes is aligned by chance. */
struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    /* from revision 2 on */
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};

struct __attribute__((packed)) table {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
};

struct __attribute__((packed)) madt {
    struct table table;
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

#define RSDP_SIZE_1 20u /* of revision 0 and 1 */

static bool sums_to_zero(const void *bytes, uint32_t count)
{
    const uint8_t *b = bytes;
    uint8_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + b[i]);
    return sum == 0;
}

/* The table at an address, whole and with that signature; NULL if it is not there. */
static const struct table *table_at(uint64_t physical, const char *signature)
{
    const struct table *table = physical ? platform_at(physical) : NULL;

    if (!table || memcmp(table->signature, signature, sizeof(table->signature)) != 0 ||
        table->length < sizeof(*table) || table->length > TABLE_MOST ||
        !platform_at(physical + table->length - 1) || !sums_to_zero(table, table->length))
        return NULL;
    return table;
}

/* The MADT, among the addresses that a root table holds behind its head. */
static const struct table *madt_in(const struct table *root, uint32_t width)
{
    for (uint32_t at = sizeof(*root); root && at + width <= root->length; at += width) {
        uint64_t physical = 0;
        memcpy(&physical, (const char *)root + at, width);
        const struct table *madt = table_at(physical, "APIC");
        if (madt && madt->length >= sizeof(struct madt))
            return madt;
    }
    return NULL;
}

static const struct table *find_madt(const struct boot_information *information)
{
    const struct rsdp *rsdp = information->rsdp;
    const struct table *madt = NULL;

    if (!rsdp || information->rsdp_size < RSDP_SIZE_1 ||
        memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) != 0 ||
        !sums_to_zero(rsdp, RSDP_SIZE_1))
        return NULL;
    if (rsdp->revision >= 2 && information->rsdp_size >= sizeof(*rsdp))
        madt = madt_in(table_at(rsdp->xsdt, "XSDT"), sizeof(uint64_t));
    return madt ? madt : madt_in(table_at(rsdp->rsdt, "RSDT"), sizeof(uint32_t));
}

uint32_t madt_apic_ids(const struct boot_information *information, uint32_t *ids, uint32_t most)
{
    const struct table *madt = find_madt(information);
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
