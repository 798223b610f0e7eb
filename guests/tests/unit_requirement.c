/* SPDX-License-Identifier: MIT */
/* What rows require of the CPU, one requirement at a time: there, and lacking in its own words. */
#include "../image/requirement.h"

#include "../../core/tests/tests.h"
#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"

#include <string.h>

static struct vcpu vcpu;

static const char *lacks(uint32_t bits)
{
    struct blob_row row = {.requires = bits};
    return guest_lacks(&row, &vcpu);
}

/* Leaves that are long enough, and every feature set. */
static int make(void **state)
{
    simulated_cpu_setup(state);
    simulated_leaf(0, 0)->eax = 0xd;
    simulated_leaf(0x80000000, 0)->eax = 0x80000008;
    *simulated_leaf(1, 0) = (struct cpuid_registers){.ecx = UINT32_MAX};
    *simulated_leaf(7, 0) = (struct cpuid_registers){.ebx = UINT32_MAX, .edx = UINT32_MAX};
    *simulated_leaf(0xa, 0) = (struct cpuid_registers){.eax = 0x0402};
    simulated_leaf(0x80000001, 0)->edx = UINT32_MAX;
    simulated_msr_set(IA32_ARCH_CAPABILITIES, ARCH_CAPABILITIES_TSX_CTRL);
    vcpu.controls[CONTROL_SECONDARY] = UINT32_MAX;
    return 0;
}

/* By CPUID bit, or by the control where a bit is not enough. */
static void one_by_one(void **state)
{
    static const struct {
        uint32_t bit, leaf;
        unsigned output;
        uint32_t mask;
        const char *words;
    } cases[] = {
        {ROW_REQUIRES_X2APIC, 1, 2, 1u << 21, "x2APIC"},
        {ROW_REQUIRES_MONITOR, 1, 2, 1u << 3, "MONITOR"},
        {ROW_REQUIRES_RDRAND, 1, 2, 1u << 30, "RDRAND"},
        {ROW_REQUIRES_XSAVE, 1, 2, 1u << 26, "XSETBV"},
        {ROW_REQUIRES_RDSEED, 7, 1, 1u << 18, "RDSEED"},
        {ROW_REQUIRES_INVPCID, 7, 1, 1u << 10, "INVPCID"},
        {ROW_REQUIRES_TSC_ADJUST, 7, 1, 1u << 1, "IA32_TSC_ADJUST"},
        {ROW_REQUIRES_SPEC_CTRL, 7, 3, 1u << 26, "IA32_SPEC_CTRL"},
        {ROW_REQUIRES_TSX_CTRL, 7, 3, 1u << 29, "IA32_TSX_CTRL"},
        {ROW_REQUIRES_RDTSCP, 0x80000001, 3, 1u << 27, "RDTSCP"},
        {ROW_REQUIRES_RDPMC, 0xa, 0, 0xff00, "performance counter"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t *output = (uint32_t *)simulated_leaf(cases[i].leaf, 0) + cases[i].output;
        assert_null(lacks(cases[i].bit));
        *output &= ~cases[i].mask;
        assert_non_null(lacks(cases[i].bit));
        assert_non_null(strstr(lacks(cases[i].bit), cases[i].words));
        for (size_t other = 0; other < COUNT_OF(cases); other++)
            if (other != i)
                assert_null(lacks(cases[other].bit));
        *output |= cases[i].mask;
    }
}

static void controls(void **state)
{
    (void)state;
    vcpu.controls[CONTROL_SECONDARY] = ~(uint32_t)SECONDARY_INVPCID;
    assert_non_null(lacks(ROW_REQUIRES_INVPCID));
    assert_null(lacks(ROW_REQUIRES_RDTSCP | ROW_REQUIRES_UNRESTRICTED));
    vcpu.controls[CONTROL_SECONDARY] = ~(uint32_t)SECONDARY_RDTSCP;
    assert_non_null(lacks(ROW_REQUIRES_RDTSCP));
    vcpu.controls[CONTROL_SECONDARY] = ~(uint32_t)SECONDARY_UNRESTRICTED_GUEST;
    assert_non_null(lacks(ROW_REQUIRES_UNRESTRICTED));
}

/* A leaf behind the last gives another leaf's bits. */
static void leaf_behind_the_last(void **state)
{
    (void)state;
    simulated_leaf(0, 0)->eax = 6;
    assert_non_null(lacks(ROW_REQUIRES_RDSEED));
    assert_non_null(lacks(ROW_REQUIRES_RDPMC));
    assert_null(lacks(ROW_REQUIRES_MONITOR));
}

static void tsx_control_is_told_by_an_msr(void **state)
{
    (void)state;
    simulated_msr_set(IA32_ARCH_CAPABILITIES, ~(uint64_t)ARCH_CAPABILITIES_TSX_CTRL);
    assert_non_null(lacks(ROW_REQUIRES_TSX_CTRL));
}

static void timer_and_unknown_ones(void **state)
{
    (void)state;
    assert_non_null(lacks(ROW_REQUIRES_PM_TIMER)); /* there is no PCI here */
    assert_non_null(lacks(1u << 7));
    assert_null(lacks(0));
}

#define requirement_test(function) \
    cmocka_unit_test_setup_teardown(function, make, simulated_cpu_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        requirement_test(one_by_one),
        requirement_test(controls),
        requirement_test(leaf_behind_the_last),
        requirement_test(tsx_control_is_told_by_an_msr),
        requirement_test(timer_and_unknown_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
