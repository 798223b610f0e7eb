/* SPDX-License-Identifier: MIT */
/*
 * Every control that the vCPU's contract names: its bit, whether the vCPU needs it, takes it where
 * the CPU has it, or leaves it to a policy; and that the choice is kept where it can be read.
 */
#include "vcpu_fixture.h"

#include "../vmx/dump.h"

#include <string.h>

enum choice {
    REQUIRED, /* refused by name where the CPU has it not */
    OPTIONAL, /* recorded as absent there */
    OPEN,     /* off, and the policy's to ask for */
};

#define GROUP(group, symbol, bit, choice)                        \
    {                                                            \
        CONTROL_##group, (uint32_t)group##_##symbol, bit, choice \
    }

static const struct {
    enum control_group group;
    uint32_t value;
    uint32_t bit; /* SDM Vol. 3C tables 25-5 to 25-16, a second time */
    enum choice choice;
} controls[] = {
    GROUP(PIN_BASED, EXTERNAL_INTERRUPT_EXITING, 0, OPTIONAL),
    GROUP(PIN_BASED, NMI_EXITING, 3, REQUIRED),
    GROUP(PIN_BASED, VIRTUAL_NMIS, 5, OPTIONAL),
    GROUP(PIN_BASED, PREEMPTION_TIMER, 6, OPTIONAL),
    GROUP(PIN_BASED, POSTED_INTERRUPTS, 7, OPEN),
    GROUP(PRIMARY, INTERRUPT_WINDOW_EXITING, 2, OPEN),
    GROUP(PRIMARY, TSC_OFFSETTING, 3, OPEN),
    GROUP(PRIMARY, HLT_EXITING, 7, OPEN),
    GROUP(PRIMARY, INVLPG_EXITING, 9, OPEN),
    GROUP(PRIMARY, MWAIT_EXITING, 10, OPEN),
    GROUP(PRIMARY, RDPMC_EXITING, 11, OPEN),
    GROUP(PRIMARY, RDTSC_EXITING, 12, OPEN),
    GROUP(PRIMARY, CR3_LOAD_EXITING, 15, OPEN),
    GROUP(PRIMARY, CR3_STORE_EXITING, 16, OPEN),
    GROUP(PRIMARY, TERTIARY, 17, OPEN),
    GROUP(PRIMARY, CR8_LOAD_EXITING, 19, OPEN),
    GROUP(PRIMARY, CR8_STORE_EXITING, 20, OPEN),
    GROUP(PRIMARY, TPR_SHADOW, 21, OPEN),
    GROUP(PRIMARY, NMI_WINDOW_EXITING, 22, OPEN),
    GROUP(PRIMARY, MOV_DR_EXITING, 23, OPEN),
    GROUP(PRIMARY, UNCONDITIONAL_IO_EXITING, 24, OPEN),
    GROUP(PRIMARY, IO_BITMAPS, 25, REQUIRED),
    GROUP(PRIMARY, MONITOR_TRAP_FLAG, 27, OPEN),
    GROUP(PRIMARY, MSR_BITMAPS, 28, REQUIRED),
    GROUP(PRIMARY, MONITOR_EXITING, 29, OPEN),
    GROUP(PRIMARY, PAUSE_EXITING, 30, OPEN),
    GROUP(PRIMARY, SECONDARY, 31, REQUIRED),
    GROUP(SECONDARY, VIRTUALIZE_APIC_ACCESSES, 0, OPEN),
    GROUP(SECONDARY, EPT, 1, REQUIRED),
    GROUP(SECONDARY, DESCRIPTOR_TABLE_EXITING, 2, OPEN),
    GROUP(SECONDARY, RDTSCP, 3, OPTIONAL),
    GROUP(SECONDARY, VIRTUALIZE_X2APIC, 4, OPEN),
    GROUP(SECONDARY, VPID, 5, OPTIONAL),
    GROUP(SECONDARY, WBINVD_EXITING, 6, OPEN),
    GROUP(SECONDARY, UNRESTRICTED_GUEST, 7, OPTIONAL),
    GROUP(SECONDARY, APIC_REGISTER_VIRTUALIZATION, 8, OPEN),
    GROUP(SECONDARY, VIRTUAL_INTERRUPT_DELIVERY, 9, OPEN),
    GROUP(SECONDARY, PAUSE_LOOP_EXITING, 10, OPEN),
    GROUP(SECONDARY, RDRAND_EXITING, 11, OPEN),
    GROUP(SECONDARY, INVPCID, 12, OPTIONAL),
    GROUP(SECONDARY, RDSEED_EXITING, 16, OPEN),
    GROUP(SECONDARY, PAGE_MODIFICATION_LOG, 17, OPEN),
    GROUP(SECONDARY, XSAVES, 20, OPTIONAL),
    GROUP(SECONDARY, TSC_SCALING, 25, OPEN),
    GROUP(EXIT, SAVE_DEBUG_CONTROLS, 2, REQUIRED),
    GROUP(EXIT, HOST_64_BIT, 9, REQUIRED),
    GROUP(EXIT, LOAD_PERF_GLOBAL_CTRL, 12, OPEN),
    GROUP(EXIT, ACKNOWLEDGE_INTERRUPT, 15, REQUIRED),
    GROUP(EXIT, SAVE_PAT, 18, REQUIRED),
    GROUP(EXIT, LOAD_PAT, 19, REQUIRED),
    GROUP(EXIT, SAVE_EFER, 20, REQUIRED),
    GROUP(EXIT, LOAD_EFER, 21, REQUIRED),
    GROUP(EXIT, SAVE_PREEMPTION_TIMER, 22, OPTIONAL),
    GROUP(ENTRY, LOAD_DEBUG_CONTROLS, 2, REQUIRED),
    GROUP(ENTRY, IA32E_GUEST, 9, REQUIRED),
    GROUP(ENTRY, LOAD_PERF_GLOBAL_CTRL, 13, OPEN),
    GROUP(ENTRY, LOAD_PAT, 14, REQUIRED),
    GROUP(ENTRY, LOAD_EFER, 15, REQUIRED),
};

/* All of them to be had, and none fixed to 1, or all but the one. */
static void cpu_has_all_but(enum control_group group, uint32_t missing)
{
    for (int i = 0; i < CONTROL_GROUPS; i++)
        fixture_cpu.capability.controls[i] = 0xffffffff00000000;
    fixture_cpu.capability.controls[group] &= ~((uint64_t)missing << 32);
    fixture_vcpu->stop = (struct vcpu_stop){.cause = STOP_NONE};
}

static void bits_and_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(controls); i++) {
        assert_int_equal(controls[i].value, 1u << controls[i].bit);
        assert_string_not_equal(control_name(controls[i].group, controls[i].bit), "reserved");
    }
}

/* And no control of the list is missing above. */
static void every_control_is_decided(void **state)
{
    size_t listed = 0;
    (void)state;
#define CONTROL(group, bit, symbol, name) listed++;
#include "../vmx/control_list.h"
#undef CONTROL
    assert_int_equal(listed, COUNT_OF(controls));
}

static void on_a_cpu_that_has_all(void **state)
{
    (void)state;
    cpu_has_all_but(CONTROL_PIN_BASED, 0);
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    for (size_t i = 0; i < COUNT_OF(controls); i++) {
        bool set = fixture_vcpu->controls[controls[i].group] & controls[i].value;
        if (set != (controls[i].choice != OPEN))
            fail_msg("%s: %d", control_name(controls[i].group, controls[i].bit), set);
        assert_int_equal(fixture_vcpu->absent[controls[i].group], 0);
    }
}

static void on_a_cpu_that_has_all_but_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(controls); i++) {
        enum control_group group = controls[i].group;
        const char *name = control_name(group, controls[i].bit);
        cpu_has_all_but(group, controls[i].value);
        bool applied = vcpu_apply_policy(fixture_vcpu, &fixture_policy);
        assert_int_equal(applied, controls[i].choice != REQUIRED);
        if (!applied) {
            assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
            assert_string_equal(fixture_vcpu->stop.text, name);
            continue;
        }
        assert_false(fixture_vcpu->controls[group] & controls[i].value);
        assert_int_equal(fixture_vcpu->absent[group],
                         controls[i].choice == OPTIONAL ? controls[i].value : 0);
        simulated_log_clear();
        vcpu_dump(fixture_vcpu);
        assert_int_equal(simulated_log_has("absent on this CPU: "), controls[i].choice == OPTIONAL);
        if (controls[i].choice == OPTIONAL)
            assert_true(simulated_log_has(name));
    }
}

/* What a policy has switched off is not missed. */
static void off_is_not_absent(void **state)
{
    (void)state;
    cpu_has_all_but(CONTROL_SECONDARY, SECONDARY_VPID);
    fixture_policy.controls[CONTROL_SECONDARY].clear = SECONDARY_VPID | SECONDARY_RDTSCP;
    assert_true(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->absent[CONTROL_SECONDARY], 0);
}

/* The areas and fields that go with controls that have no bit in these five. */
static void fields_of_the_rest(void **state)
{
    static const uint32_t fields[] = {VMCS_TERTIARY_CONTROLS,      VMCS_EXIT_MSR_STORE,
                                      VMCS_EXIT_MSR_STORE_COUNT,   VMCS_EXIT_MSR_LOAD,
                                      VMCS_EXIT_MSR_LOAD_COUNT,    VMCS_ENTRY_MSR_LOAD,
                                      VMCS_ENTRY_MSR_LOAD_COUNT,   VMCS_POSTED_INTERRUPT_DESCRIPTOR,
                                      VMCS_SECONDARY_EXIT_CONTROLS};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fields); i++)
        assert_true(simulated_field_exists(fields[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_and_names), cmocka_unit_test(every_control_is_decided),
        vcpu_test(on_a_cpu_that_has_all), vcpu_test(on_a_cpu_that_has_all_but_one),
        vcpu_test(off_is_not_absent),     cmocka_unit_test(fields_of_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
