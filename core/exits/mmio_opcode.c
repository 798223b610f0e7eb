/* SPDX-License-Identifier: MIT */
#include "mmio_opcode.h"

#include "mmio_decode.h"

const uint8_t opcode_groups[GROUPS][8] = {
    [GROUP_1] = {MMIO_ADD, MMIO_OR, MMIO_ADC, MMIO_SBB, MMIO_AND, MMIO_SUB, MMIO_XOR, MMIO_CMP},
    [GROUP_3] = {MMIO_TEST, MMIO_TEST, MMIO_NOT, MMIO_NEG},
    [GROUP_4] = {MMIO_INC, MMIO_DEC},
    [GROUP_11] = {MMIO_MOV},
};

#define ARITHMETIC(code, operation)                                        \
    [code] = {operation, MODRM | BYTE}, [(code) + 1] = {operation, MODRM}, \
    [(code) + 2] = {operation, MODRM | BYTE | LOAD}, [(code) + 3] = {operation, MODRM | LOAD}

const struct opcode opcodes[256] = {
    ARITHMETIC(0x00, MMIO_ADD),
    ARITHMETIC(0x08, MMIO_OR),
    ARITHMETIC(0x10, MMIO_ADC),
    ARITHMETIC(0x18, MMIO_SBB),
    ARITHMETIC(0x20, MMIO_AND),
    ARITHMETIC(0x28, MMIO_SUB),
    ARITHMETIC(0x30, MMIO_XOR),
    ARITHMETIC(0x38, MMIO_CMP),
    [0x63] = {MMIO_MOV_SIGNED, MODRM | DOUBLE | WIDER | LOAD | ONLY_64},
    [0x80] = {GROUP_1, GROUP | MODRM | BYTE | IMMEDIATE_8},
    [0x81] = {GROUP_1, GROUP | MODRM | IMMEDIATE},
    [0x83] = {GROUP_1, GROUP | MODRM | IMMEDIATE_8},
    [0x84] = {MMIO_TEST, MODRM | BYTE},
    [0x85] = {MMIO_TEST, MODRM},
    [0x86] = {MMIO_XCHG, MODRM | BYTE},
    [0x87] = {MMIO_XCHG, MODRM},
    [0x88] = {MMIO_MOV, MODRM | BYTE},
    [0x89] = {MMIO_MOV, MODRM},
    [0x8a] = {MMIO_MOV, MODRM | BYTE | LOAD},
    [0x8b] = {MMIO_MOV, MODRM | LOAD},
    [0xa0] = {MMIO_MOV, OFFSET | BYTE | LOAD},
    [0xa1] = {MMIO_MOV, OFFSET | LOAD},
    [0xa2] = {MMIO_MOV, OFFSET | BYTE},
    [0xa3] = {MMIO_MOV, OFFSET},
    [0xa4] = {MMIO_MOVS, STRING | BYTE},
    [0xa5] = {MMIO_MOVS, STRING},
    [0xaa] = {MMIO_STOS, STRING | BYTE},
    [0xab] = {MMIO_STOS, STRING},
    [0xac] = {MMIO_LODS, STRING | BYTE},
    [0xad] = {MMIO_LODS, STRING},
    [0xc6] = {GROUP_11, GROUP | MODRM | BYTE | IMMEDIATE_8},
    [0xc7] = {GROUP_11, GROUP | MODRM | IMMEDIATE},
    [0xf6] = {GROUP_3, GROUP | MODRM | BYTE},
    [0xf7] = {GROUP_3, GROUP | MODRM},
    [0xfe] = {GROUP_4, GROUP | MODRM | BYTE},
    [0xff] = {GROUP_4, GROUP | MODRM},
};

const struct opcode opcodes_0f[256] = {
    [0xb6] = {MMIO_MOV, MODRM | BYTE | WIDER | LOAD},
    [0xb7] = {MMIO_MOV, MODRM | WORD | WIDER | LOAD},
    [0xbe] = {MMIO_MOV_SIGNED, MODRM | BYTE | WIDER | LOAD},
    [0xbf] = {MMIO_MOV_SIGNED, MODRM | WORD | WIDER | LOAD},
    [0xc3] = {MMIO_MOV, MODRM | NOT_16}, /* MOVNTI */
};
