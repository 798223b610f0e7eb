/* SPDX-License-Identifier: MIT */
/* EPT violations: first touch of memory on demand, and a device's registers. */
#include "row.h"

/* The constants as the assembler reads them. */
#define DEMAND_BEFORE "0x3fff000"
#define DEVICE        "0x8000000"
_Static_assert(0x3fff000 == GUEST_DEMAND_BASE - 0x1000, "the count of samples left starts at 1");
_Static_assert(0x8000000 == GUEST_DEVICE_BASE, "the device's first register");

/* Each sample another page: the number of samples that are left, in pages. */
#define NEXT_PAGE "mov %[count], %%rdi\n\tshl $12, %%rdi"

/* The control reads, too, what is mapped. */
ROW_FUNCTION(ept_first_touch_control, NEXT_PAGE, "mov 0x1000(%%rdi), %%al")
ROW_FUNCTION(ept_first_touch_op, NEXT_PAGE, "mov " DEMAND_BEFORE "(%%rdi), %%al")

ROW_CODE(mmio_read, "mov $" DEVICE ", %%edi", "mov (%%rdi), %%eax")
ROW_CODE(mmio_write, "mov $" DEVICE ", %%edi", "mov %%eax, (%%rdi)")

_Static_assert((GUEST_DEMAND_PAGES + 1) * 4096 < GUEST_MEMORY_SIZE, "the control stays in memory");

ROWS = {
    {
        .name = "ept_first_touch",
        CODE_ONCE(ept_first_touch),
        .description = "read of a 4 KiB page for the first time, which maps it",
        .instruction = "MOV AL, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND,
    },
    {
        .name = "mmio_read",
        CODE(mmio_read),
        .description = "read of a device's register of 4 bytes",
        .instruction = "MOV EAX, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
    },
    {
        .name = "mmio_write",
        CODE(mmio_write),
        .description = "write of a device's register of 4 bytes",
        .instruction = "MOV [RDI], EAX",
        .exits = {ALWAYS(EPT_VIOLATION)},
    },
};
