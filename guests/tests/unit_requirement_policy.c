/* SPDX-License-Identifier: MIT */
/* What rows require of the policy, each against one that meets it, and one that does not. */
#include "../image/requirement.h"
#include "../image/requirement_access.h"

#include "../../core/tests/tests.h"
#include "../../core/x86/msr.h"

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

/* Its stub would take the stamps' exits for the CPUID's. */
static void of_the_floor(void **state)
{
    const struct blob_row row = {.flags = ROW_FLOOR}, other = {0};
    (void)state;
    assert_null(guest_lacks(&row, &vcpu));
    vcpu.controls[CONTROL_PRIMARY] |= PRIMARY_RDTSC_EXITING;
    assert_string_equal(
        guest_lacks(&row, &vcpu),
        "RDTSC exits under this policy, and the floor's exit stub knows CPUID alone");
    assert_null(guest_lacks(&other, &vcpu));
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

static struct plan_policy policy;

static void set(uint8_t *bits, uint32_t number)
{
    bits[number / 8] |= (uint8_t)(1u << number % 8);
}

static const char *access_lack(const struct blob_row *row)
{
    return guest_lacks_access(row, &policy);
}

/* A port is only not the hardware's if an access exits and is emulated. */
static void of_ports(void **state)
{
    const struct blob_row row = {.requires = ROW_REQUIRES_REAL_PORTS}, other = {0};
    static const uint16_t ports[] = {0x21, 0x71, 0x1f0, 0x3f6, 0x3c9, 0xcfc};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        memset(&policy, 0, sizeof(policy));
        set(policy.port_emulated, ports[i]);
        assert_null(access_lack(&row)); /* it passes */
        set(policy.io_bitmap_a, ports[i]);
        assert_string_equal(access_lack(&row),
                            "this policy emulates ports of hardware that the row knows");
        assert_null(access_lack(&other));
        memset(policy.port_emulated, 0, sizeof(policy.port_emulated));
        assert_null(access_lack(&row)); /* it is forwarded */
    }
    memset(&policy, 0, sizeof(policy));
    memset(policy.io_bitmap_a, 0xff, sizeof(policy.io_bitmap_a));
    set(policy.port_emulated, 0x80);
    set(policy.port_emulated, 0x8021);
    assert_null(access_lack(&row)); /* others are of no account */
}

static void of_msrs(void **state)
{
    const struct blob_row row = {.requires = ROW_REQUIRES_REAL_MSRS};
    const char *text = "this policy emulates or refuses MSRs that the row works with";
    (void)state;
    memset(&policy, 0, sizeof(policy));
    set(policy.msr_answers + 1024, 0x82); /* IA32_LSTAR is emulated ... */
    assert_null(access_lack(&row));
    set(policy.msr_bitmap + 3072, 0x82); /* ... and a write of it exits */
    assert_string_equal(access_lack(&row), text);
    memset(&policy, 0, sizeof(policy));
    set(policy.msr_answers + 1024, 0x100); /* IA32_FS_BASE, which the core keeps */
    memset(policy.msr_bitmap, 0xff, sizeof(policy.msr_bitmap));
    assert_null(access_lack(&row));
    set(policy.msr_answers + 3072, 0x100); /* refused, too */
    assert_string_equal(access_lack(&row), text);
}

static void of_the_rows_own_msr(void **state)
{
    const struct blob_row row = {
        .exits = {{.reason = 31, .times = 1, .gate = GATE_MSR_READ, .index = 0xc0000103}}};
    (void)state;
    memset(&policy, 0, sizeof(policy));
    set(policy.msr_answers + 3072, 0x103);
    assert_null(access_lack(&row)); /* it passes */
    for (uint32_t quarter = 1024; quarter <= 3072; quarter += 2048) {
        memset(policy.msr_bitmap, 0, sizeof(policy.msr_bitmap));
        set(policy.msr_bitmap + quarter, 0x103); /* reads of it exit, or writes */
        assert_string_equal(access_lack(&row), "this policy refuses the MSR that the row accesses");
    }
}

static void of_the_apics_msrs(void **state)
{
    const struct blob_row row = {.requires = ROW_REQUIRES_X2APIC};
    static const uint32_t msrs[] = {IA32_APIC_BASE, IA32_TSC_DEADLINE, 0x800, X2APIC_TPR, 0x83f};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(msrs); i++) {
        memset(&policy, 0, sizeof(policy));
        set(policy.msr_answers + 2048, msrs[i]);
        assert_null(access_lack(&row));
        set(policy.msr_bitmap + 2048, msrs[i]);
        assert_string_equal(access_lack(&row), "this policy refuses MSRs of the local APIC");
    }
}

int main(void)
{
#define REQUIREMENT_TEST(function) cmocka_unit_test_setup(function, meet_all)
    const struct CMUnitTest tests[] = {
        REQUIREMENT_TEST(all_are_met),       REQUIREMENT_TEST(of_the_cpu),
        REQUIREMENT_TEST(of_the_controls),   REQUIREMENT_TEST(of_the_apic),
        REQUIREMENT_TEST(of_the_floor),      REQUIREMENT_TEST(of_ports),
        REQUIREMENT_TEST(of_msrs),           REQUIREMENT_TEST(of_the_rows_own_msr),
        REQUIREMENT_TEST(of_the_apics_msrs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
