/* SPDX-License-Identifier: MIT */
/*
 * A guest in 64-bit mode at an access to a device: 64 KiB of memory with its page tables, code and
 * data, and a device of one page that keeps what is written and a log of who asked.
 */
#ifndef EXITMETER_CORE_TESTS_MMIO_FIXTURE_H
#define EXITMETER_CORE_TESTS_MMIO_FIXTURE_H

#include "exit_fixture.h"

#include "../exits/mmio.h"
#include "../vmx/demand.h"
#include "../vmx/registers.h"
#include "../x86/control_registers.h"

/* Guest-physical, and linear: the first 2 MiB are identity-mapped. */
#define MMIO_MEMORY 0x10000ull
#define MMIO_TABLES 0x1000ull /* PML4, PDPT, page directory, page table */
#define MMIO_CODE   0x6000ull
#define MMIO_DATA   0x8000ull
#define MMIO_DEVICE 0x100000ull
#define MMIO_SECOND 0x101000ull /* another device, behind it */
#define MMIO_NOBODY 0x102000ull /* no device and no memory */

struct mmio_log_entry {
    uint64_t offset, value;
    unsigned bytes;
    bool write;
};

extern struct ept mmio_ept;
extern uint8_t *mmio_memory;
extern uint8_t mmio_device[2 * PAGE_SIZE]; /* both devices' registers */
extern struct mmio_log_entry mmio_log[64];
extern unsigned mmio_log_count;
extern enum mmio_result mmio_answer; /* of both devices */
extern int mmio_answers_left;        /* after so many accesses; below 0: never again MMIO_DONE */

int mmio_setup(void **state);
int mmio_teardown(void **state);

/* What the fixture's two devices are, for a table of a test's own. */
mmio_handler mmio_fixture_handler;

/* The entry of the page table for a linear address below 2 MiB. */
uint64_t *mmio_entry(uint64_t linear);

/* Puts an instruction at RIP = at. */
void mmio_code_at(uint64_t at, const void *bytes, size_t count);

/*
 * The exit of the instruction at MMIO_CODE, given as a string of bytes, at linear address linear;
 * access: VIOLATION_READ and VIOLATION_WRITE.
 */
enum exit_outcome mmio_take(const char *bytes, size_t count, uint64_t linear, unsigned access);
#define MMIO_TAKE(bytes, linear, access) mmio_take(bytes, sizeof(bytes) - 1, linear, access)

/* The same where RIP is already. */
enum exit_outcome mmio_take_again(uint64_t linear, unsigned access);

#define mmio_test(function) cmocka_unit_test_setup_teardown(function, mmio_setup, mmio_teardown)

#endif
