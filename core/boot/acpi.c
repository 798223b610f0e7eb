/* SPDX-License-Identifier: MIT */
#include "acpi.h"

#include "../platform.h"

#include <stdbool.h>
#include <string.h>

#define TABLE_MOST 0x100000u /* bytes; no machine has longer ones */

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

#define RSDP_SIZE_1 20u /* of revision 0 and 1 */

static bool sums_to_zero(const void *bytes, uint32_t count)
{
    const uint8_t *b = bytes;
    uint8_t sum = 0;

    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + b[i]);
    return sum == 0;
}

const struct acpi_table *acpi_table_at(uint64_t physical, const char *signature)
{
    const struct acpi_table *table = physical ? platform_at(physical) : NULL;

    if (!table || memcmp(table->signature, signature, sizeof(table->signature)) != 0 ||
        table->length < sizeof(*table) || table->length > TABLE_MOST ||
        !platform_at(physical + table->length - 1) || !sums_to_zero(table, table->length))
        return NULL;
    return table;
}

/* Among the addresses that a root table holds behind its head. */
static const struct acpi_table *table_in(const struct acpi_table *root, uint32_t width,
                                         const char *signature)
{
    for (uint32_t at = sizeof(*root); root && at + width <= root->length; at += width) {
        uint64_t physical = 0;
        memcpy(&physical, (const char *)root + at, width);
        const struct acpi_table *table = acpi_table_at(physical, signature);
        if (table)
            return table;
    }
    return NULL;
}

const struct acpi_table *acpi_table(const struct boot_information *information,
                                    const char *signature)
{
    const struct rsdp *rsdp = information->rsdp;
    const struct acpi_table *table = NULL;

    if (!rsdp || information->rsdp_size < RSDP_SIZE_1 ||
        memcmp(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature)) != 0 ||
        !sums_to_zero(rsdp, RSDP_SIZE_1))
        return NULL;
    if (rsdp->revision >= 2 && information->rsdp_size >= sizeof(*rsdp))
        table = table_in(acpi_table_at(rsdp->xsdt, "XSDT"), sizeof(uint64_t), signature);
    return table ? table : table_in(acpi_table_at(rsdp->rsdt, "RSDT"), sizeof(uint32_t), signature);
}
