/* SPDX-License-Identifier: MIT */
/* ELF kernels: 32-bit for i386 and 64-bit for x86-64, loaded by their segments' physical addresses.
 */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_ELF_H
#define EXITMETER_GUESTS_LOADER_LOAD_ELF_H

#include "load_plan.h"

struct load_elf {
    bool wide; /* ELF64 */
    uint64_t segments;
    unsigned segment_count;
    uint64_t entry;      /* physical */
    uint64_t start, end; /* physical, over all segments */
    uint64_t align;      /* the largest of a segment's, a power of 2 */
};

/* Checks the file header and every segment, which fills *elf. NULL, or what is wrong. */
const char *load_elf_open(struct load_plan *plan, struct load_elf *elf);

/* Makes pieces of the segments, all moved by so much: modulo 2^64, so down too. */
const char *load_elf_put(struct load_plan *plan, const struct load_elf *elf, uint64_t moved);

#endif
