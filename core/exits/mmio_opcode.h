/* SPDX-License-Identifier: MIT */
/* The opcodes that mmio_decode() knows, as tables: SDM Vol. 2D appendix A. */
#ifndef EXITMETER_CORE_EXITS_MMIO_OPCODE_H
#define EXITMETER_CORE_EXITS_MMIO_OPCODE_H

#include <stdint.h>

/* Forms of an opcode. */
enum {
    MODRM = 1 << 0,
    BYTE = 1 << 1,      /* the memory operand is a byte, and the register unless WIDER */
    WORD = 1 << 2,      /* ... 2 bytes */
    DOUBLE = 1 << 3,    /* ... 4 bytes */
    WIDER = 1 << 4,     /* the register has the operand size */
    LOAD = 1 << 5,      /* the register is the destination */
    IMMEDIATE = 1 << 6, /* of the operand size, at most 4 bytes */
    IMMEDIATE_8 = 1 << 7,
    GROUP = 1 << 8,  /* operation: the row of groups[] */
    OFFSET = 1 << 9, /* memory by an address in the instruction, register RAX */
    STRING = 1 << 10,
    ONLY_64 = 1 << 11,
    NOT_16 = 1 << 12, /* no prefix 66 */
};

/* All 0: not one of ours. */
struct opcode {
    uint8_t operation;
    uint16_t form;
};

enum opcode_group { GROUP_1, GROUP_3, GROUP_4, GROUP_11, GROUPS };

/* The operations of a group, by bits 5:3 of ModRM. */
extern const uint8_t opcode_groups[GROUPS][8];

extern const struct opcode opcodes[256];
extern const struct opcode opcodes_0f[256]; /* behind 0F */

#endif
