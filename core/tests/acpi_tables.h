/* SPDX-License-Identifier: MIT */
/* ACPI tables as firmware writes them (ACPI 5.2), for tests that then damage them. */
#ifndef EXITMETER_CORE_TESTS_ACPI_TABLES_H
#define EXITMETER_CORE_TESTS_ACPI_TABLES_H

#include <stdint.h>
#include <string.h>

#define ACPI_HEAD      36u /* bytes of the header of every table */
#define ACPI_RSDP_SIZE 36u

/* The lowest bytes of value. */
static inline void acpi_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

/* Makes the sum of all bytes 0; *checksum is one of them. */
static inline void acpi_sum_up(uint8_t *bytes, uint32_t count, uint8_t *checksum)
{
    uint8_t sum = 0;

    *checksum = 0;
    for (uint32_t i = 0; i < count; i++)
        sum = (uint8_t)(sum + bytes[i]);
    *checksum = (uint8_t)-sum;
}

static inline void acpi_table_begin(uint8_t *table, const char *signature, uint32_t length)
{
    memset(table, 0, length);
    memcpy(table, signature, 4);
    acpi_put(table + 4, length, 4);
}

/* The header's checksum, after the last change. */
static inline void acpi_table_end(uint8_t *table)
{
    uint32_t length;

    memcpy(&length, table + 4, 4);
    acpi_sum_up(table, length, table + 9);
}

/* Both sums of an RSDP. */
static inline void acpi_rsdp_end(uint8_t *rsdp)
{
    acpi_sum_up(rsdp, 20, rsdp + 8);
    acpi_sum_up(rsdp, ACPI_RSDP_SIZE, rsdp + 32);
}

/* An RSDP of revision 2, which is not summed up yet. */
static inline void acpi_rsdp_begin(uint8_t *rsdp, uint64_t xsdt)
{
    memset(rsdp, 0, ACPI_RSDP_SIZE);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = 2;
    acpi_put(rsdp + 20, ACPI_RSDP_SIZE, 4);
    acpi_put(rsdp + 24, xsdt, 8);
}

#endif
