/* SPDX-License-Identifier: MIT */
/*
 * What random guests run: random bytes, or a storm, which is instructions of one kind with random
 * operands, taken at random from a table. A storm is written for 64-bit mode; in the other two the
 * same bytes mean something else now and then, which is as good.
 */
#ifndef EXITMETER_CORE_TESTS_TORTURE_PROGRAM_H
#define EXITMETER_CORE_TESTS_TORTURE_PROGRAM_H

#include "random.h"

#include <stddef.h>

enum program_kind {
    PROGRAM_BYTES, /* anything at all */
    PROGRAM_MSR,
    PROGRAM_PORT,
    PROGRAM_CONTROL, /* control, debug and extended control registers */
    PROGRAM_APIC,
    PROGRAM_MEMORY, /* around what EPT maps, and devices */
    PROGRAM_SYSTEM, /* descriptor tables, selectors, interrupts, far transfers, IRET */
    PROGRAM_OTHER,  /* every other instruction that exits */
    PROGRAM_MIXED,  /* of all of these */
    PROGRAM_KINDS
};

const char *program_kind_name(enum program_kind kind);

/* Fills size bytes. */
void program_write(enum program_kind kind, struct random *random, uint8_t *code, size_t size);

#endif
