/* SPDX-License-Identifier: MIT */
/*
 * One VM exit for a handler. The whole vCPU frame and the whole VMCS are remembered before, so that
 * a test names what must have changed and everything else is held to be as it was.
 */
#ifndef EXITMETER_CORE_TESTS_EXIT_FIXTURE_H
#define EXITMETER_CORE_TESTS_EXIT_FIXTURE_H

#include "tests.h"

#include "../vmx/dispatch.h"

#define EXIT_RIP    0x401000ull
#define EXIT_LENGTH 2u

extern struct vcpu guest;

/* As guest must be in the end: set by exit_take(), then changed by the test. */
extern struct vcpu expected;

/* Accesses of the handler that exit_take() called last. */
extern struct exit_cost {
    unsigned vmreads;
    unsigned vmwrites;
    unsigned msr_accesses;
    unsigned xsetbvs;
    unsigned invalidations; /* INVVPIDs and INVEPTs */
} cost;

/* What the guest's CPU can do, as guest.capability has it; set up afresh for each test. */
extern struct vmx_capability exit_capability;

/*
 * A CPU in VMX operation, a VMCS at the exit, every register of the guest a number of its own;
 * 64-bit mode, CR0 and CR4 as vcpu_start() masks them, EPT and VPID 9 in use, no unrestricted
 * guest.
 */
int exit_setup(void **state);

/* A field of the VMCS before the exit, or as it must be after it. */
void exit_field(enum vmcs_field field, uint64_t value);
void expect_field(enum vmcs_field field, uint64_t value);

/* Calls the handler that the table names, or exit_unlisted for a reason behind it. */
enum exit_outcome exit_take(uint32_t reason, uint64_t qualification);

/* Nothing changed but what expected and expect_field() say. */
void expect_unchanged(void);

/* The instruction is complete: RIP behind it, no event. */
void expect_completed(void);

/* #GP(0) is injected and RIP still on the instruction. */
void expect_gp(void);

/* The guest stopped, its registers untouched; text NULL for none. */
void expect_stop(enum stop_cause cause, uint64_t value, const char *text);

#define exit_test(function) \
    cmocka_unit_test_setup_teardown(function, exit_setup, simulated_cpu_teardown)

#endif
