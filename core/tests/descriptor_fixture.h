/* SPDX-License-Identifier: MIT */
/*
 * A guest whose first 2 MiB map to themselves, of which EPT gives it six pages, for the exits on
 * descriptor-table registers.
 */
#ifndef EXITMETER_CORE_TESTS_DESCRIPTOR_FIXTURE_H
#define EXITMETER_CORE_TESTS_DESCRIPTOR_FIXTURE_H

#include "exit_fixture.h"

#include "../x86/control_registers.h"

#define DESCRIPTOR_BYTES 0x6000ull
#define DESCRIPTOR_GDT   0x4000ull /* 0x400 bytes */
#define DESCRIPTOR_CODE  0x4800ull /* where RIP is */
#define DESCRIPTOR_DATA  0x5000ull

extern char *descriptor_memory; /* the guest's, from 0 on */

int descriptor_setup(void **state);
int descriptor_teardown(void **state);

/* A limit and a base at an offset into the data. */
void descriptor_put(uint64_t offset, uint16_t limit, uint64_t base);

/*
 * The exit of instruction 0 to 3 in bits 29:28 of the information, with more bits of it; a memory
 * operand is in DS, without base and index.
 */
enum exit_outcome descriptor_take(uint32_t reason, unsigned instruction, uint64_t more,
                                  uint64_t displacement);

/* That is injected and nothing else happened; #GP(0). */
void descriptor_expect(uint32_t information, uint32_t error);
void descriptor_expect_gp(void);

#define descriptor_test(function) \
    cmocka_unit_test_setup_teardown(function, descriptor_setup, descriptor_teardown)

#endif
