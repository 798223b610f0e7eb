/* SPDX-License-Identifier: MIT */
/* Random instructions of every form that the emulation of devices knows, in 64-bit mode. */
#ifndef EXITMETER_CORE_TESTS_MMIO_RANDOM_H
#define EXITMETER_CORE_TESTS_MMIO_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An opcode, and what follows it. */
struct opcode_form {
    uint8_t bytes[2];
    uint8_t count;
    uint8_t groups;    /* values of ModRM's bits 5:3 that there are; 0: it is a register */
    uint8_t immediate; /* bytes; 4 becomes 2 with prefix 66 */
    uint8_t test;      /* of those groups, how many have an immediate */
    bool string, no_16, moffs, logic;
};

extern const struct opcode_form opcode_forms[];
extern const size_t opcode_form_count;

/* Where things are: the instruction, its operand's page, and for MOVS a page of memory. */
struct mmio_places {
    uint64_t code, data, memory;
};

struct mmio_made {
    uint8_t bytes[24];
    size_t count;
    uint64_t target; /* linear address of the operand: 1024 to 1536 behind data */
    bool narrow;     /* 32-bit addresses */
    uint64_t registers[16];
};

/* An instruction of that form, and registers that lead it to its operand. */
void mmio_random(const struct opcode_form *form, const struct mmio_places *places, uint64_t *seed,
                 struct mmio_made *made);

#endif
