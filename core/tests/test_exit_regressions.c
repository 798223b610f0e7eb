/* SPDX-License-Identifier: MIT */
/* Defects of handlers that the hosted tests found, or the reading for them. */
#include "exit_fixture.h"

/* Behind its last leaf a CPU answers as for that leaf; none of it is an x2APIC id. */
static void cpuid_1f_where_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(x86_cpuid(0, 0).eax, 0xd);
    guest.rax = 0x1f;
    guest.rcx = 0;
    assert_int_equal(exit_take(EXIT_REASON_CPUID, 0), EXIT_RESUME);
    assert_int_equal(guest.rdx, x86_cpuid(0x1f, 0).edx);
}

/* KVM moves its leaves up to 0x40000100 where it shows Hyper-V's at 0x40000000. */
static void cpuid_of_an_outer_hypervisor(void **state)
{
    (void)state;
    simulated_leaf(0, 0)->eax = 0x40000200; /* so that the simulated CPU answers */
    *simulated_leaf(0x40000100, 0) =
        (struct cpuid_registers){0x40000101, 0x4b4d564b, 0x564b4d56, 0x4d};
    guest.rax = 0x40000100;
    guest.rcx = 0;
    assert_int_equal(exit_take(EXIT_REASON_CPUID, 0), EXIT_RESUME);
    assert_int_equal(guest.rbx, 0);
}

static uint64_t apic_read(uint32_t msr)
{
    uint64_t value = 0;
    assert_int_equal(local_apic_read(&guest.apic, msr, &value), LOCAL_APIC_DONE);
    return value;
}

/* SDM Vol. 3A 11.4.7.2: while software-disabled, the LVT's mask bits are set and stay so. */
static void a_disabled_apic_keeps_the_lvt_masked(void **state)
{
    (void)state;
    assert_int_equal(local_apic_write(&guest.apic, 0x832, 0x20), LOCAL_APIC_DONE);
    assert_int_equal(apic_read(0x832), 0x10020);
}

static void disabling_the_apic_masks_the_lvt(void **state)
{
    (void)state;
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
    assert_int_equal(local_apic_write(&guest.apic, 0x832, 0x20), LOCAL_APIC_DONE);
    assert_int_equal(apic_read(0x832), 0x20);
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0xff), LOCAL_APIC_DONE);
    assert_int_equal(apic_read(0x832), 0x10020);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(cpuid_1f_where_there_is_none),
        exit_test(cpuid_of_an_outer_hypervisor),
        exit_test(a_disabled_apic_keeps_the_lvt_masked),
        exit_test(disabling_the_apic_masks_the_lvt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
