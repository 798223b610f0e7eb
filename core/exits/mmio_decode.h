/* SPDX-License-Identifier: MIT */
/*
 * Decoding of instructions that access devices (SDM Vol. 2A chapter 2 and appendix A): MOV in all
 * forms but those of segment, control and debug registers, MOVZX, MOVSX, MOVSXD, MOVNTI; ADD, OR,
 * ADC, SBB, AND, SUB, XOR, CMP, TEST, NOT, NEG, INC, DEC; XCHG; STOS, LODS, MOVS. Pure: from bytes
 * to a description, whatever the bytes are.
 */
#ifndef EXITMETER_CORE_EXITS_MMIO_DECODE_H
#define EXITMETER_CORE_EXITS_MMIO_DECODE_H

#include "segmentation.h"

#define INSTRUCTION_MOST 15u /* bytes; a longer one is a #GP */

enum mmio_operation {
    MMIO_UNKNOWN = 0,
    MMIO_MOV, /* also to a wider register: zero-extended */
    MMIO_MOV_SIGNED,
    MMIO_ADD, /* this and the next 7 as opcodes number them */
    MMIO_OR,
    MMIO_ADC,
    MMIO_SBB,
    MMIO_AND,
    MMIO_SUB,
    MMIO_XOR,
    MMIO_CMP,
    MMIO_TEST,
    MMIO_NOT,
    MMIO_NEG,
    MMIO_INC,
    MMIO_DEC,
    MMIO_XCHG,
    MMIO_STOS,
    MMIO_LODS,
    MMIO_MOVS,
};

#define NO_REGISTER 16u

/* Registers are numbered as vcpu_register() does. */
struct mmio_instruction {
    enum mmio_operation operation;
    uint8_t length;         /* bytes of the instruction */
    uint8_t bytes;          /* of the memory operand: 1, 2, 4 or 8 */
    uint8_t register_bytes; /* of the register operand, at least as many */
    uint8_t reg;            /* the register operand */
    bool high;              /* it is AH, CH, DH or BH, reg being 0 to 3 */
    bool to_memory;         /* the memory operand is the destination, where there are two */
    bool has_immediate;     /* the other operand is immediate, and no register */
    bool repeat;            /* REP, of string instructions */
    bool lock;
    uint64_t immediate; /* sign-extended */

    /* The memory operand; of string instructions the source, their destination being ES:RDI. */
    uint8_t segment;       /* enum segment_number */
    uint8_t address_bytes; /* 2, 4 or 8 */
    uint8_t base, index;   /* or NO_REGISTER */
    uint8_t scale;         /* the index is shifted left by it */
    bool relative;         /* to the address of the next instruction */
    uint64_t displacement; /* sign-extended */
};

enum mmio_decoded {
    MMIO_DECODED,
    MMIO_NEEDS_MORE, /* it goes on behind the bytes that are there */
    MMIO_NOT_KNOWN,  /* no such instruction, or none of these */
};

/* code_bytes: 8 in 64-bit mode, else 4 or 2 as CS.D says. count: up to INSTRUCTION_MOST. */
enum mmio_decoded mmio_decode(const uint8_t *bytes, size_t count, unsigned code_bytes,
                              struct mmio_instruction *instruction);

#endif
