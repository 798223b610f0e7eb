/* SPDX-License-Identifier: MIT */
/*
 * The self-test image: tests of the core in VMX root operation, on a real CPU or one that is
 * emulated in full. It prints a line for each to the console and switches off:
 *
 *     ok NAME
 *     skipped NAME: why
 *     failed NAME: FILE:LINE: why
 */
#ifndef EXITMETER_CORE_TESTS_TARGET_TARGET_H
#define EXITMETER_CORE_TESTS_TARGET_TARGET_H

#include "../../boot/smp.h"
#include "../../platform.h"
#include "../../vmx/vmxon.h"

/*
 * The tests: TARGET_TEST(cpus, name), which stands for a function test_NAME() in one of the files
 * here. One that needs more CPUs than there are is skipped. ci/tests/test_target.py reads this
 * list.
 */
#define TARGET_TESTS                              \
    TARGET_TEST(1, vmx_a_thousand_times)          \
    TARGET_TEST(1, vmxon_twice)                   \
    TARGET_TEST(1, vcpu_a_thousand_times)         \
    TARGET_TEST(1, two_vcpus_take_turns)          \
    TARGET_TEST(1, destroy_bound)                 \
    TARGET_TEST(1, entry_vmfail_invalid)          \
    TARGET_TEST(1, entry_vmfail_valid)            \
    TARGET_TEST(1, entry_fails_on_guest_state)    \
    TARGET_TEST(1, entry_fails_on_msr_loading)    \
    TARGET_TEST(1, failed_entries_are_counted)    \
    TARGET_TEST(1, wide_records)                  \
    TARGET_TEST(1, nmi_at_every_instruction)      \
    TARGET_TEST(1, faults_at_every_instruction)   \
    TARGET_TEST(1, nmi_on_the_floor)              \
    TARGET_TEST(1, nmi_in_exception_handlers)     \
    TARGET_TEST(1, nmi_with_an_interrupt)         \
    TARGET_TEST(1, nmi_held_until_the_guest)      \
    TARGET_TEST(2, cpus_are_themselves)           \
    TARGET_TEST(2, memory_is_shared_out)          \
    TARGET_TEST(2, lines_stay_whole)              \
    TARGET_TEST(2, migration)                     \
    TARGET_TEST(2, a_vcpu_on_each_cpu)            \
    TARGET_TEST(2, bound_on_one_cpu_at_a_time)    \
    TARGET_TEST(2, kick_ends_an_endless_guest)    \
    TARGET_TEST(2, kick_of_nobody_goes_unseen)    \
    TARGET_TEST(2, ipis_between_vcpus)            \
    TARGET_TEST(2, sipi_starts_in_real_mode)      \
    TARGET_TEST(3, hostile_guests_disturb_nobody) \
    TARGET_TEST(3, nmis_that_pass_are_seen)

#define TARGET_TEST(cpus, name) void test_##name(void);
TARGET_TESTS
#undef TARGET_TEST

/*
 * On CPU 0, from the test's function, or one that it calls: what is not so fails the test and ends
 * the function. Whatever the test held stays held, and the tests after it may suffer.
 */
#define EXPECT(condition)                                  \
    do {                                                   \
        if (!(condition)) {                                \
            target_failed(__FILE__, __LINE__, #condition); \
            return;                                        \
        }                                                  \
    } while (0)

void target_failed(const char *file, int line, const char *why);

/* VMX operation of each CPU; on for all of them at the start of a test, and off after it. */
struct vmx_cpu *target_vmx(uint32_t cpu);

uint32_t target_cpus(void);

/* Ticks of the TSC that everything which might hang is given. */
#define TARGET_PATIENCE 20000000ull

#endif
