/* SPDX-License-Identifier: MIT */
/*
 * What a handler leaves in the record of its exit. entry.S marks each record of a counting path as
 * having RIP, so every way out of a handler must have set it; without PROBE_COUNTING none may
 * touch the record.
 */
#include "exit_fixture.h"

#include <string.h>

#define STALE 0xeeeeeeeeeeeeeeeeull /* of the exit that had the memory before */

extern struct record simulated_record;

#ifdef PROBE_COUNTING
#define COUNTING true
#else
#define COUNTING false
#endif

static void take(uint32_t reason, uint64_t rax, uint64_t rcx, uint64_t qualification)
{
    memset(&simulated_record, 0xee, sizeof(simulated_record));
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    guest.rax = rax;
    guest.rcx = rcx;
    guest.rdx = 0;
    exit_take(reason, qualification);
    if (simulated_record.rip != (COUNTING ? EXIT_RIP : STALE))
        fail_msg("%s (rax 0x%llx, rcx 0x%llx, qualification 0x%llx): rip 0x%llx",
                 exit_reason_name(reason), (unsigned long long)rax, (unsigned long long)rcx,
                 (unsigned long long)qualification, (unsigned long long)simulated_record.rip);
}

static void expect_detail(uint64_t detail)
{
    assert_int_equal(simulated_record.detail, COUNTING ? detail : STALE);
}

static void cpuid(void **state)
{
    (void)state;
    take(EXIT_REASON_CPUID, 4, 1, 0);
    expect_detail(1ull << 32 | 4);
    take(EXIT_REASON_CPUID, 1, 0, 0);
    expect_detail(1);
    take(EXIT_REASON_CPUID, 0x40000000, 0, 0);
    expect_detail(0x40000000);
}

static void msrs(void **state)
{
    static const uint32_t numbers[] = {0x10, 0x480, 0x277, 0x802, 0x80b, 0xc0000080, 0x12345678};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        take(EXIT_REASON_RDMSR, 0, numbers[i], 0);
        expect_detail(numbers[i]);
        take(EXIT_REASON_WRMSR, 0, numbers[i], 0);
        expect_detail(numbers[i]);
    }
}

static void io(void **state)
{
    (void)state;
    take(EXIT_REASON_IO, 0, 0, 0x800000);
    expect_detail(0x800000);
    take(EXIT_REASON_IO, 0, 0, 0x80000b);
    expect_detail(0x80000b);
}

static void vmcall(void **state)
{
    (void)state;
    for (uint64_t number = 0; number < 4; number++) {
        take(EXIT_REASON_VMCALL, number, 0, 0);
        expect_detail(number);
    }
}

static void unhandled(void **state)
{
    (void)state;
    take(EXIT_REASON_APIC_ACCESS, 0, 0, 0x2181); /* instruction fetch */
    expect_detail(0x2181);
    take(1000, 0, 0, 0x55);
    expect_detail(0x55);
}

static void hlt(void **state)
{
    (void)state;
    take(EXIT_REASON_HLT, 0, 0, 0);
}

static void string_io(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b); /* compatibility mode: segments count */
    take(EXIT_REASON_IO, 0, 0, 0x600018);            /* raises #GP: ES is not writable */
    expect_detail(0x600018);
    take(EXIT_REASON_IO, 0, 0, 0x600038); /* REP, none left */
    expect_detail(0x600038);
    take(EXIT_REASON_IO, 0, 0, 0x60001a); /* of no size */
    expect_detail(0x60001a);
}

static void io_of_no_size(void **state)
{
    (void)state;
    take(EXIT_REASON_IO, 0, 0, 0x600002);
}

static void an_interrupt_not_delivered(void **state)
{
    (void)state;
    take(EXIT_REASON_WRMSR, 0, 0x83f, 0);
}

static void a_failed_entry(void **state)
{
    (void)state;
    take(EXIT_REASON_ENTRY_GUEST_STATE | EXIT_REASON_ENTRY_FAILURE, 0, 0, 2);
    expect_detail(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(cpuid),
        exit_test(msrs),
        exit_test(io),
        exit_test(vmcall),
        exit_test(unhandled),
        exit_test(hlt),
        exit_test(string_io),
        exit_test(io_of_no_size),
        exit_test(a_failed_entry),
        exit_test(an_interrupt_not_delivered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
