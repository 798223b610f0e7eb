/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

#include "../vmx/registers.h"
#include "../x86/control_registers.h"

#define FROM (1u << 4)

/* Registers by number, in an order of their own. */
static unsigned next_register(void)
{
    static unsigned number;
    return number = (number + 5) & 15;
}

static enum exit_outcome load(unsigned number, uint64_t value)
{
    unsigned from = next_register();
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    vcpu_set_register(&guest, from, value);
    return exit_take(EXIT_REASON_MOV_DR, number | from << 8);
}

static void stores(unsigned number, uint64_t value)
{
    unsigned to = next_register();
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    vcpu_set_register(&guest, to, 0x1111111111111111);
    assert_int_equal(exit_take(EXIT_REASON_MOV_DR, number | FROM | to << 8), EXIT_RESUME);
    if (to == REGISTER_RSP)
        expect_field(VMCS_GUEST_RSP, value);
    else
        vcpu_set_register(&expected, to, value);
    expect_completed();
}

static void injects(uint32_t information)
{
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, information);
    expect_unchanged();
}

static void addresses_are_the_cpus_own(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 16; round++)
        for (unsigned i = 0; i < 4; i++) {
            uint64_t value = 0xfedcba9876543210 * (round + 1) + i; /* need not be canonical */
            assert_int_equal(load(i, value), EXIT_RESUME);
            expect_completed();
            assert_int_equal(simulated_cpu.dr[i], value);
            stores(i, value);
        }
}

static void dr6_is_the_cpus_own(void **state)
{
    (void)state;
    for (unsigned number = 4; number <= 6; number += 2) { /* DR4 is its other name */
        assert_int_equal(load(number, 0x4001), EXIT_RESUME);
        expect_completed();
        assert_int_equal(simulated_cpu.dr6, 0xffff4ff1);
        stores(number, 0xffff4ff1);
        assert_int_equal(load(number, 0), EXIT_RESUME);
        assert_int_equal(simulated_cpu.dr6, 0xffff0ff0);
    }
}

static void dr7_is_the_vmcss(void **state)
{
    static const uint64_t values[][2] = {
        {0, 0x400},      {0x400, 0x400},   {0xffffffff, 0xffff27ff},
        {0xf0f, 0x70f},  {0x800, 0x400}, /* RTM, which this CPU has not got */
        {0xd000, 0x400}, {0x2000, 0x2400},
    };
    (void)state;
    for (unsigned number = 5; number <= 7; number += 2)
        for (size_t i = 0; i < COUNT_OF(values); i++) {
            exit_field(VMCS_GUEST_DR7, 0x400);
            assert_int_equal(load(number, values[i][0]), EXIT_RESUME);
            expect_field(VMCS_GUEST_DR7, values[i][1]);
            expect_completed();
            if (!(values[i][1] & DR7_GD))
                stores(number, values[i][1]);
        }
    exit_field(VMCS_GUEST_DR7, 0x400);
    simulated_leaf(7, 0)->ebx |= 1u << 11;
    assert_int_equal(load(7, 0x800), EXIT_RESUME);
    expect_field(VMCS_GUEST_DR7, 0xc00);
    expect_completed();
}

static void upper_halves(void **state)
{
    (void)state;
    for (unsigned number = 4; number < 8; number++)
        for (int bit = 32; bit < 64; bit++) {
            assert_int_equal(load(number, 1ull << bit), EXIT_RESUME);
            expect_gp();
            assert_int_equal(simulated_cpu.dr6, 0xffff0ff0);
        }
    /* Outside of 64-bit mode there are none. */
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    assert_int_equal(load(7, 0xfeedbeef00000003), EXIT_RESUME);
    expect_field(VMCS_GUEST_DR7, 0x403);
    expect_completed();
    assert_int_equal(load(0, 0xfeedbeef00000003), EXIT_RESUME);
    assert_int_equal(simulated_cpu.dr[0], 3);
    simulated_cpu.dr[0] = 0xfeedbeef00000003;
    stores(0, 3);
}

static void debugging_extensions(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_DE);
    for (unsigned number = 0; number < 8; number++) {
        assert_int_equal(load(number, 0), EXIT_RESUME);
        if (number == 4 || number == 5)
            injects(0x80000306); /* #UD */
        else
            assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    }
    /* Even with DR7.GD set, and for users. */
    exit_field(VMCS_GUEST_DR7, 0x2400);
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    assert_int_equal(load(4, 0), EXIT_RESUME);
    injects(0x80000306);
}

/* The VM exit comes before the check of privilege. */
static void users_may_not(void **state)
{
    (void)state;
    simulated_cpu.dr[1] = 0x1234;
    for (uint64_t level = 1; level < 4; level++) {
        exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | level << 5);
        assert_int_equal(load(1, 0), EXIT_RESUME);
        expect_gp();
        assert_int_equal(load(1 | FROM, 0), EXIT_RESUME);
        expect_gp();
        assert_int_equal(simulated_cpu.dr[1], 0x1234);
    }
}

static void general_detect(void **state)
{
    (void)state;
    for (unsigned access = 0; access < 32; access++) { /* every register, both directions */
        exit_field(VMCS_GUEST_DR7, 0x2403);
        exit_field(VMCS_GUEST_DEBUGCTL, access & 1 ? 3 : 0);
        simulated_cpu.dr6 = 0xffff0ff1;
        if ((access & 8) != 0)
            continue;
        assert_int_equal(load(access, 0x55), EXIT_RESUME);
        expect_field(VMCS_GUEST_DR7, 0x403);
        expect_field(VMCS_GUEST_DEBUGCTL, 0);
        injects(0x80000301);
        assert_int_equal(simulated_cpu.dr6, 0xffff2ff1);
        for (int i = 0; i < 4; i++)
            assert_int_equal(simulated_cpu.dr[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(addresses_are_the_cpus_own),
        exit_test(dr6_is_the_cpus_own),
        exit_test(dr7_is_the_vmcss),
        exit_test(upper_halves),
        exit_test(debugging_extensions),
        exit_test(users_may_not),
        exit_test(general_detect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
