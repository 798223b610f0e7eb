/* SPDX-License-Identifier: MIT */
/* Instructions that are executed on the guest's behalf, or that it has not got. */
#include "exit_fixture.h"

#include "../vmx/registers.h"

#define UNDEFINED 0x80000306u
#define RANDOM    0x8877665544332211ull
#define FLAGS     0x8d5u /* CF PF AF ZF SF OF */

static enum exit_outcome take(uint32_t reason)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    return exit_take(reason, 0);
}

static void completes(uint32_t reason)
{
    assert_int_equal(take(reason), EXIT_RESUME);
    expect_completed();
}

static void refuses(uint32_t reason)
{
    assert_int_equal(take(reason), EXIT_RESUME);
    expect_gp();
}

static void undefined_instructions(void **state)
{
    static const uint32_t reasons[] = {11, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27,
                                       50, 53, 59, 60, 65, 69, 70, 76, 77, 78, 79};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++)
        for (uint64_t level = 0; level < 4; level += 3) {
            exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | level << 5);
            assert_int_equal(take(reasons[i]), EXIT_RESUME);
            expect_field(VMCS_ENTRY_INTERRUPTION_INFO, UNDEFINED);
            expect_unchanged();
        }
}

static void caches_and_hints(void **state)
{
    (void)state;
    completes(EXIT_REASON_WBINVD);
    assert_int_equal(simulated_cpu.wbinvds, 1);
    completes(EXIT_REASON_INVD); /* writes back too */
    assert_int_equal(simulated_cpu.wbinvds, 2);
    completes(EXIT_REASON_PAUSE);
    completes(EXIT_REASON_INVLPG);
    assert_int_equal(cost.invalidations, 1);
}

static void monitor_and_mwait(void **state)
{
    (void)state;
    guest.rcx = 0;
    completes(EXIT_REASON_MONITOR);
    completes(EXIT_REASON_MWAIT);
    for (int bit = 0; bit < 64; bit++) {
        guest.rcx = 1ull << bit;
        refuses(EXIT_REASON_MONITOR);
        refuses(EXIT_REASON_MWAIT);
    }
    simulated_leaf(5, 0)->ecx = 2;
    guest.rcx = 1;
    completes(EXIT_REASON_MWAIT);
    guest.rcx = 3;
    refuses(EXIT_REASON_MWAIT);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b); /* ECX alone */
    guest.rcx = 0xf00000000;
    completes(EXIT_REASON_MONITOR);
    completes(EXIT_REASON_MWAIT);
}

static void user_waits(void **state)
{
    (void)state;
    for (unsigned from = 0; from < 16; from++) {
        exit_field(VMCS_GUEST_RFLAGS, 0x246 | FLAGS);
        exit_field(VMCS_EXIT_INSTRUCTION_INFO, from << 3);
        vcpu_set_register(&guest, from, 0xffffffff00000001);
        assert_int_equal(take(from & 1 ? EXIT_REASON_UMWAIT : EXIT_REASON_TPAUSE), EXIT_RESUME);
        expect_field(VMCS_GUEST_RFLAGS, 0x202);
        expect_completed();
        vcpu_set_register(&guest, from, 3);
        refuses(EXIT_REASON_TPAUSE);
    }
}

static void time_stamps(void **state)
{
    (void)state;
    simulated_cpu.tsc = 0x123456789a;
    assert_int_equal(take(EXIT_REASON_RDTSC), EXIT_RESUME);
    expected.rax = 0x3456789a;
    expected.rdx = 0x12;
    expect_completed();
    assert_int_equal(take(EXIT_REASON_RDTSCP), EXIT_RESUME);
    expected.rax = 0x3456789b;
    expected.rdx = 0x12;
    expected.rcx = 0x7a;
    expect_completed();
}

/* Offset and multiplier, but only under their controls, and scaling with an offset only. */
static void time_stamps_of_the_guest(void **state)
{
    (void)state;
    exit_field(VMCS_TSC_OFFSET, 0 - 0x100ull);
    exit_field(VMCS_TSC_MULTIPLIER, 3ull << 47); /* 1.5 */
    const struct {
        uint32_t primary, secondary;
        uint64_t time;
    } cases[] = {
        {0, SECONDARY_TSC_SCALING, 0xf000000000000000},
        {PRIMARY_TSC_OFFSETTING, 0, 0xefffffffffffff00},
        {PRIMARY_TSC_OFFSETTING, SECONDARY_TSC_SCALING, 0x67ffffffffffff00},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int p = 0; p < 2; p++) {
            guest.controls[CONTROL_PRIMARY] = cases[i].primary;
            guest.controls[CONTROL_SECONDARY] = cases[i].secondary;
            simulated_cpu.tsc = 0xf000000000000000;
            assert_int_equal(take(p ? EXIT_REASON_RDTSCP : EXIT_REASON_RDTSC), EXIT_RESUME);
            uint64_t time = cases[i].time;
            if (cases[i].primary && cases[i].secondary)
                time = (uint64_t)((unsigned __int128)0xf000000000000000 * 3 / 2) - 0x100;
            assert_int_equal(guest.rdx << 32 | guest.rax, time);
        }
}

static void counters(void **state)
{
    (void)state;
    simulated_cpu.counter[2] = 0xabcdef012345;
    guest.rcx = 0xfeedbeef00000002;
    assert_int_equal(take(EXIT_REASON_RDPMC), EXIT_RESUME);
    expected.rax = 0xef012345;
    expected.rdx = 0xabcd;
    expect_completed();
    guest.rcx = 4;
    refuses(EXIT_REASON_RDPMC);
    guest.rcx = UINT64_MAX;
    refuses(EXIT_REASON_RDPMC);
}

/* Into every register, in every size, with a number and without. */
static void random_numbers(void **state)
{
    static const uint64_t results[4][2] = {
        {0xaaaaaaaaaaaa2211, 0xaaaaaaaaaaaa0000},
        {0x44332211, 0},
        {RANDOM, 0},
        {RANDOM, 0}, /* a size that the SDM does not define */
    };
    (void)state;
    simulated_cpu.random = RANDOM;
    for (uint32_t reason = EXIT_REASON_RDRAND; reason <= EXIT_REASON_RDSEED; reason += 4)
        for (unsigned to = 0; to < 16; to++)
            for (unsigned size = 0; size < 4; size++)
                for (int absent = 0; absent < 2; absent++) {
                    simulated_cpu.random_absent = absent;
                    exit_field(VMCS_EXIT_INSTRUCTION_INFO, 0xf8000007 | to << 3 | size << 11);
                    exit_field(VMCS_GUEST_RFLAGS, 0x202 | (absent ? FLAGS : FLAGS & ~1u));
                    vcpu_set_register(&guest, to, 0xaaaaaaaaaaaaaaaa);
                    assert_int_equal(take(reason), EXIT_RESUME);
                    if (to == REGISTER_RSP)
                        expect_field(VMCS_GUEST_RSP, results[size][absent]);
                    else
                        vcpu_set_register(&expected, to, results[size][absent]);
                    expect_field(VMCS_GUEST_RFLAGS, absent ? 0x202 : 0x203);
                    expect_completed();
                }
    assert_int_equal(simulated_cpu.rdrands, 128);
    assert_int_equal(simulated_cpu.rdseeds, 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(undefined_instructions),
        exit_test(caches_and_hints),
        exit_test(monitor_and_mwait),
        exit_test(user_waits),
        exit_test(time_stamps),
        exit_test(time_stamps_of_the_guest),
        exit_test(counters),
        exit_test(random_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
