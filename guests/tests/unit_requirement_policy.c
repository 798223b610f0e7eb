/* SPDX-License-Identifier: MIT */
/* What rows require of the policy, each against one that meets it, and one that does not. */
#include "../image/requirement.h"

#include "../../core/tests/tests.h"

#include <string.h>

#define ALL ROW_REQUIRES_OF_POLICY

static struct vmx_capability capability;
static struct vcpu vcpu;

static int meet_all(void **state)
{
    simulated_cpu_setup(state);
    simulated_leaf(1, 0)->ecx |= CPUID_1_ECX_X2APIC | CPUID_1_ECX_TSC_DEADLINE;
    memset(&vcpu, 0, sizeof(vcpu));
    capability.controls[CONTROL_PRIMARY] = (uint64_t)PRIMARY_MONITOR_TRAP_FLAG << 32;
    vcpu.capability = &capability;
    vcpu.controls[CONTROL_PIN_BASED] =
        PIN_BASED_EXTERNAL_INTERRUPT_EXITING | PIN_BASED_VIRTUAL_NMIS | PIN_BASED_PREEMPTION_TIMER;
    vcpu.controls[CONTROL_PRIMARY] = PRIMARY_HLT_EXITING;
    return 0;
}

static const char *lack(uint32_t requires)
{
    const struct blob_row row = {.requires = requires};

    return guest_lacks(&row, &vcpu);
}

/* Only the requirement that is not met is, and only a row that has it hears of it. */
static void lacks(uint32_t requires, const char *text)
{
    const char *found = lack(requires);

    assert_non_null(found);
    assert_string_equal(found, text);
    assert_null(lack(0));
    assert_string_equal(lack(ALL), text);
}

static void all_are_met(void **state)
{
    (void)state;
    assert_null(lack(ALL));
}

static void of_the_cpu(void **state)
{
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_TSC_DEADLINE;
    lacks(ROW_REQUIRES_DEADLINE, "this CPU's local APIC has no TSC-deadline mode");
    meet_all(state);
    capability.controls[CONTROL_PRIMARY] = 0;
    lacks(ROW_REQUIRES_TRAP_FLAG, "this CPU lacks \"monitor trap flag\"");
}

static void of_the_controls(void **state)
{
    static const struct {
        uint32_t requirement;
        enum control_group group;
        uint32_t toggled;
        const char *text;
    } cases[] = {
        {ROW_REQUIRES_VIRTUAL_NMIS, CONTROL_PIN_BASED, PIN_BASED_VIRTUAL_NMIS,
         "this CPU lacks \"virtual NMIs\""},
        {ROW_REQUIRES_PREEMPTION_TIMER, CONTROL_PIN_BASED, PIN_BASED_PREEMPTION_TIMER,
         "this CPU lacks \"activate VMX-preemption timer\""},
        {ROW_REQUIRES_PAUSE, CONTROL_PRIMARY, PRIMARY_PAUSE_EXITING,
         "every PAUSE exits under this policy, and a wait has many"},
        {ROW_REQUIRES_PAUSE, CONTROL_PRIMARY, PRIMARY_RDTSC_EXITING,
         "RDTSC exits under this policy, and a wait has many"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        meet_all(state);
        vcpu.controls[cases[i].group] ^= cases[i].toggled;
        lacks(cases[i].requirement, cases[i].text);
    }
}

/* The host has no interrupts of its own while its APIC is the guest's. */
static void of_the_apic(void **state)
{
    for (int hardware = 0; hardware < 2; hardware++)
        for (int interrupts_exit = 0; interrupts_exit < 2; interrupts_exit++)
            for (int halts_exit = 0; halts_exit < 2; halts_exit++) {
                meet_all(state);
                vcpu.apic.attention = hardware ? LOCAL_APIC_HARDWARE : 0;
                if (!interrupts_exit)
                    vcpu.controls[CONTROL_PIN_BASED] &=
                        ~(uint32_t)PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
                if (!halts_exit)
                    vcpu.controls[CONTROL_PRIMARY] = 0;
                assert_int_equal(!lack(ROW_REQUIRES_CORES_APIC), !hardware);
                assert_int_equal(!lack(ROW_REQUIRES_HOST_INTERRUPT), !hardware && interrupts_exit);
                assert_int_equal(!lack(ROW_REQUIRES_DELIVERY), hardware != interrupts_exit);
                assert_int_equal(!lack(ROW_REQUIRES_HLT), hardware != halts_exit);
            }
}

int main(void)
{
#define REQUIREMENT_TEST(function) cmocka_unit_test_setup(function, meet_all)
    const struct CMUnitTest tests[] = {
        REQUIREMENT_TEST(all_are_met),
        REQUIREMENT_TEST(of_the_cpu),
        REQUIREMENT_TEST(of_the_controls),
        REQUIREMENT_TEST(of_the_apic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
