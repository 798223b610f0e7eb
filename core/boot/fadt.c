/* SPDX-License-Identifier: MIT */
#include "fadt.h"

#include "acpi.h"

#include <string.h>

#define PM1A_CONTROL 64u /* offsets of 32-bit port addresses */
#define PM1B_CONTROL 68u

static uint16_t port_at(const struct acpi_table *fadt, uint32_t offset)
{
    uint32_t port = 0;

    if (fadt->length >= offset + sizeof(port))
        memcpy(&port, (const char *)fadt + offset, sizeof(port));
    return port < UINT16_MAX ? (uint16_t)port : 0; /* two ports */
}

bool fadt_read(const struct boot_information *information, struct fadt_ports *ports)
{
    const struct acpi_table *fadt = acpi_table(information, "FACP");

    *ports = (struct fadt_ports){0};
    if (!fadt)
        return false;
    ports->control[0] = port_at(fadt, PM1A_CONTROL);
    ports->control[1] = port_at(fadt, PM1B_CONTROL);
    return ports->control[0] || ports->control[1];
}
