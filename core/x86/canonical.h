/* SPDX-License-Identifier: MIT */
/* Linear addresses that the CPU accepts (SDM Vol. 1 3.3.7.1). */
#ifndef EXITMETER_CORE_X86_CANONICAL_H
#define EXITMETER_CORE_X86_CANONICAL_H

#include <stdbool.h>
#include <stdint.h>

/* Widths of a linear address, in bits: of 4-level and of 5-level paging. */
#define LINEAR_WIDTH_4 48u
#define LINEAR_WIDTH_5 57u

/* Whether all bits from width - 1 on are equal. */
static inline bool is_canonical(uint64_t address, unsigned width)
{
    unsigned unused = 64 - width;
    return (uint64_t)((int64_t)(address << unused) >> unused) == address;
}

#endif
