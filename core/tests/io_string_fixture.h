/* SPDX-License-Identifier: MIT */
/*
 * INS and OUTS for tests: one instruction described whole, the exit it makes, and a second
 * implementation, byte by byte, of what it must have done.
 */
#ifndef EXITMETER_CORE_TESTS_IO_STRING_FIXTURE_H
#define EXITMETER_CORE_TESTS_IO_STRING_FIXTURE_H

#include "exit_fixture.h"
#include "walk_fixture.h"

/* In 64-bit mode, linear page n from here is guest-physical page string_pages[n]. */
#define STRING_LINEAR      0x200000ull
#define STRING_PAGES       8u
#define STRING_NOT_PRESENT 6u /* of those, by the guest's own table */
#define STRING_PORT        0x1f0u

enum string_mode {
    STRING_REAL,
    STRING_PROTECTED, /* without paging */
    STRING_LONG,
};

#define STRING_CPL_3    1u
#define STRING_CR0_AM   2u
#define STRING_FLAGS_AC 4u
#define STRING_ALIGNED  7u

struct string_io {
    enum string_mode mode;
    unsigned size; /* bytes of an element */
    bool in, rep, down;
    unsigned address_size; /* 0 16 bits, 1 32, 2 64 */
    unsigned segment;      /* 0 ES to 5 GS; INS takes ES whatever this says */
    uint64_t base;
    uint32_t limit, rights;
    uint64_t index, count; /* RSI or RDI, and RCX */
    unsigned alignment;    /* STRING_*; #AC for what is not aligned if all three are on */
};

int string_setup(void **state);
int string_teardown(void **state);

/* Takes the exit, and holds registers, memory, ports and events against the model. */
void string_take(const struct string_io *io);

/* What the last one came to. */
extern struct string_outcome {
    enum exit_outcome outcome;
    unsigned moves;      /* elements moved */
    int vector;          /* injected, or -1 */
    uint32_t error;      /* its code */
    uint64_t address;    /* of a page fault */
    bool done;           /* RIP is behind the instruction */
    const char *stopped; /* NULL, or the text of the stop */
} string_outcome;

#define string_test(function) \
    cmocka_unit_test_setup_teardown(function, string_setup, string_teardown)

#endif
