/* SPDX-License-Identifier: MIT */
/* XSETBV, which exits under every policy. */
#include "row.h"

#define CR4_OSXSAVE_BIT "18"

static void enable(void)
{
    __asm__ volatile("mov %%cr4, %%rax\n\tbts $" CR4_OSXSAVE_BIT ", %%rax\n\tmov %%rax, %%cr4"
                     :
                     :
                     : "rax", "cc");
}

static void disable(void)
{
    __asm__ volatile("mov %%cr4, %%rax\n\tbtr $" CR4_OSXSAVE_BIT ", %%rax\n\tmov %%rax, %%cr4"
                     :
                     :
                     : "rax", "cc");
}

/* As after a reset: x87 alone. */
ROW_CODE(xsetbv, "xor %%ecx, %%ecx\n\txor %%edx, %%edx\n\tmov $1, %%eax", "xsetbv")

ROWS = {
    {
        .name = "xsetbv",
        CODE(xsetbv),
        .setup = enable,
        .teardown = disable,
        .description = "write of XCR0, as it is",
        .instruction = "XSETBV",
        .exits = {ALWAYS(XSETBV)},
        .requires = ROW_REQUIRES_XSAVE,
    },
};
