/* SPDX-License-Identifier: MIT */
#include "soft_off.h"

#include "../x86/instructions.h"
#include "acpi.h"
#include "fadt.h"

#include <string.h>

/* Offsets in the FADT, and widths. */
#define DSDT         40u  /* 4 bytes */
#define COMMAND_PORT 48u  /* 4 */
#define ENABLE       52u  /* 1 */
#define DSDT_WIDE    140u /* 8 */

/* AML (ACPI 6.4, 20.2). */
#define AML_NAME    0x08
#define AML_ROOT    '\\'
#define AML_PACKAGE 0x12
#define AML_ZERO    0x00
#define AML_ONE     0x01
#define AML_BYTE    0x0a
#define S5_SIZE     4u /* "_S5_" */

#define SCI_ENABLED  0x0001u
#define SLEEP_TYPE   0x1c00u
#define SLEEP_SHIFT  10
#define SLEEP_ENABLE 0x2000u
#define PATIENCE     1000000 /* reads of a port, about a microsecond each */

static uint64_t field(const struct acpi_table *table, uint32_t offset, uint32_t bytes)
{
    uint64_t value = 0;

    if (table->length >= offset + bytes)
        memcpy(&value, (const char *)table + offset, bytes);
    return value;
}

static const struct acpi_table *find_dsdt(const struct acpi_table *fadt)
{
    const struct acpi_table *wide = acpi_table_at(field(fadt, DSDT_WIDE, 8), "DSDT");

    return wide ? wide : acpi_table_at(field(fadt, DSDT, 4), "DSDT");
}

/* A small integer at *at, which goes behind it. */
static bool read_integer(const uint8_t **at, const uint8_t *end, uint8_t *value)
{
    if (end - *at >= 1 && (**at == AML_ZERO || **at == AML_ONE)) {
        *value = *(*at)++;
        return true;
    }
    if (end - *at < 2 || **at != AML_BYTE)
        return false;
    *value = (*at)[1];
    *at += 2;
    return true;
}

/* Behind the name: PackageOp, its length, the number of elements, and the elements. */
static bool read_package(const uint8_t *at, const uint8_t *end, uint8_t type[2])
{
    if (end - at < 2 || *at++ != AML_PACKAGE)
        return false;
    uint32_t length_bytes = 1 + (*at >> 6);
    if ((uint32_t)(end - at) < length_bytes + 1)
        return false;
    at += length_bytes + 1;
    return read_integer(&at, end, &type[0]) && read_integer(&at, end, &type[1]) && type[0] < 8 &&
           type[1] < 8;
}

/* Name (_S5_, Package () {a, b, ...}), wherever it stands: nobody here runs AML. */
static bool find_s5(const struct acpi_table *dsdt, uint8_t type[2])
{
    const uint8_t *code = (const uint8_t *)(dsdt + 1), *end = (const uint8_t *)dsdt + dsdt->length;

    for (const uint8_t *at = code; end - at > (ptrdiff_t)S5_SIZE; at++) {
        if (memcmp(at, "_S5_", S5_SIZE) != 0)
            continue;
        bool named = at > code && (at[-1] == AML_NAME ||
                                   (at - code > 1 && at[-1] == AML_ROOT && at[-2] == AML_NAME));
        if (named && read_package(at + S5_SIZE, end, type))
            return true;
    }
    return false;
}

void soft_off_find(const struct boot_information *information, struct soft_off *off)
{
    const struct acpi_table *fadt = acpi_table(information, "FACP");
    const struct acpi_table *dsdt = fadt ? find_dsdt(fadt) : NULL;
    struct fadt_ports ports;

    *off = (struct soft_off){0};
    if (!dsdt || !fadt_read(information, &ports) || !ports.control[0] || !find_s5(dsdt, off->type))
        return;
    memcpy(off->control, ports.control, sizeof(off->control));
    uint64_t port = field(fadt, COMMAND_PORT, 4);
    off->command_port = port <= UINT16_MAX ? (uint16_t)port : 0;
    off->enable = (uint8_t)field(fadt, ENABLE, 1);
    off->known = true;
}

/* The firmware has the registers until it is told otherwise. */
static void enable(const struct soft_off *off)
{
    if (!off->command_port || !off->enable || x86_in16(off->control[0]) & SCI_ENABLED)
        return;
    x86_out8(off->command_port, off->enable);
    for (int i = 0; i < PATIENCE && !(x86_in16(off->control[0]) & SCI_ENABLED); i++)
        ;
}

void soft_off(const struct soft_off *off)
{
    if (!off->known)
        return;
    enable(off);
    for (int i = 0; i < 2; i++) {
        if (!off->control[i])
            continue;
        uint16_t rest = x86_in16(off->control[i]) & (uint16_t) ~(SLEEP_TYPE | SLEEP_ENABLE);
        rest |= (uint16_t)(off->type[i] << SLEEP_SHIFT);
        x86_out16(off->control[i], rest);
        x86_out16(off->control[i], rest | SLEEP_ENABLE);
    }
    for (int i = 0; i < PATIENCE; i++) /* it takes its time */
        x86_in16(off->control[0]);
}
