/* SPDX-License-Identifier: MIT */
/* Memory operands through segments, as the guest's CPU checks and places them (SDM Vol. 3A 3.4). */
#ifndef EXITMETER_CORE_EXITS_SEGMENTATION_H
#define EXITMETER_CORE_EXITS_SEGMENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order of their VMCS fields, and as instruction information numbers them. */
enum segment_number {
    SEGMENT_ES = 0,
    SEGMENT_CS = 1,
    SEGMENT_SS = 2,
    SEGMENT_DS = 3,
    SEGMENT_FS = 4,
    SEGMENT_GS = 5,
};

/* Outside 64-bit mode: whether the segment lets [offset, offset + size) be read, or written. */
bool segment_allows(unsigned segment, uint64_t offset, size_t size, bool write);

/* Linear address of an offset; the base counts for FS and GS only in 64-bit mode. */
uint64_t segment_linear(unsigned segment, uint64_t offset, bool in_64_bit_mode);

#endif
