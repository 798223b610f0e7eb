/* SPDX-License-Identifier: MIT */
/* Which local APIC a policy gives the guest, and the fields of its virtualization. */
#include "vcpu_fixture.h"

#include <string.h>

#define CR8_EXITING (PRIMARY_CR8_LOAD_EXITING | PRIMARY_CR8_STORE_EXITING)
#define X2APIC      SECONDARY_VIRTUALIZE_X2APIC
#define REGISTERS   SECONDARY_APIC_REGISTER_VIRTUALIZATION
#define DELIVERY    SECONDARY_VIRTUAL_INTERRUPT_DELIVERY

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static int setup(void **state)
{
    int result = vcpu_setup(state);
    /* A CPU with all of it. */
    fixture_cpu.capability.controls[CONTROL_SECONDARY] |= (uint64_t)(REGISTERS | DELIVERY) << 32;
    memset((void *)(uintptr_t)fixture_policy.msr_bitmap, 0xff, PAGE_SIZE);
    return result;
}

static void pass(uint32_t msr, bool reads, bool writes)
{
    uint8_t *bitmap = (uint8_t *)(uintptr_t)fixture_policy.msr_bitmap;
    if (reads)
        bitmap[msr / 8] &= (uint8_t) ~(1u << msr % 8);
    if (writes)
        bitmap[2048 + msr / 8] &= (uint8_t) ~(1u << msr % 8);
}

static void virtualize(uint32_t secondary)
{
    fixture_policy.controls[CONTROL_PIN_BASED].set = PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    fixture_policy.controls[CONTROL_PRIMARY].set = (uint32_t)PRIMARY_TPR_SHADOW;
    fixture_policy.controls[CONTROL_SECONDARY].set = secondary;
}

static bool applied_as(bool hardware)
{
    if (!vcpu_apply_policy(fixture_vcpu, &fixture_policy))
        return false;
    assert_int_equal(local_apic_is_hardware(&fixture_vcpu->apic), hardware);
    assert_int_equal(simulated_host.apic_is_guests, hardware);
    return true;
}

/* CR8 is the TPR: it exits as the MSR does. */
static void the_cores_own(void **state)
{
    (void)state;
    assert_true(applied_as(false));
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & CR8_EXITING, CR8_EXITING);
    fixture_policy.controls[CONTROL_PRIMARY].clear = PRIMARY_CR8_LOAD_EXITING;
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    assert_string_equal(fixture_vcpu->stop.text, "CR8-load exiting");
}

static void any_access_that_passes_gives_the_cpus(void **state)
{
    (void)state;
    for (uint32_t msr = 0; msr < 0x900; msr++)
        for (int write = 0; write < 2; write++) {
            uint8_t *bitmap = (uint8_t *)(uintptr_t)fixture_policy.msr_bitmap;
            bool of_apic = msr == 0x1b || msr == 0x6e0 || (msr >= 0x800 && msr < 0x840);
            if (!of_apic && msr % 16)
                continue;
            memset(bitmap, 0xff, PAGE_SIZE);
            pass(msr, !write, write);
            assert_true(applied_as(of_apic));
            assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & CR8_EXITING, of_apic ? 0 : CR8_EXITING);
        }
}

/* What the CPU virtualizes by the control does not reach its own APIC. */
static void what_is_virtualized_may_pass(void **state)
{
    static const struct {
        uint32_t secondary, msr;
        bool reads, writes, good;
    } cases[] = {
        {X2APIC, 0x808, true, true, true},
        {X2APIC, 0x80f, true, false, false},
        {X2APIC, 0x80b, false, true, false},
        {X2APIC | REGISTERS, 0x80f, true, false, true},
        {X2APIC | REGISTERS, 0x80f, false, true, false},
        {X2APIC | REGISTERS, 0x80b, false, true, false},
        {X2APIC | DELIVERY, 0x80b, false, true, true},
        {X2APIC | DELIVERY, 0x83f, false, true, true},
        {X2APIC | DELIVERY, 0x830, false, true, false},
        {X2APIC | DELIVERY, 0x80f, true, false, false},
        {X2APIC | REGISTERS | DELIVERY, 0x1b, true, false, false},
        {X2APIC | REGISTERS | DELIVERY, 0x6e0, true, true, false},
        {REGISTERS | DELIVERY, 0x808, true, true, false},
        {0, 0x808, true, true, false}, /* CR8 would be another TPR */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memset((void *)(uintptr_t)fixture_policy.msr_bitmap, 0xff, PAGE_SIZE);
        pass(cases[i].msr, cases[i].reads, cases[i].writes);
        virtualize(cases[i].secondary);
        if (applied_as(false) != cases[i].good)
            fail_msg("case %zu", i);
        if (cases[i].good) {
            assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & CR8_EXITING, 0);
            continue;
        }
        assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
        assert_non_null(fixture_vcpu->stop.text);
    }
}

/* What a VM entry would VMfail for, SDM Vol. 3C 27.2.1.1. */
static void rules_of_the_controls(void **state)
{
    static const struct {
        uint32_t pin_based, primary, secondary;
        const char *broken; /* NULL: none is */
    } cases[] = {
        {PIN_BASED_EXTERNAL_INTERRUPT_EXITING, PRIMARY_TPR_SHADOW, X2APIC | DELIVERY, NULL},
        {0, PRIMARY_TPR_SHADOW, X2APIC | REGISTERS, NULL},
        {0, PRIMARY_TPR_SHADOW, X2APIC | DELIVERY,
         "virtual-interrupt delivery, without external-interrupt exiting"},
        {0, 0, X2APIC, "APIC virtualization, without TPR shadow"},
        {0, 0, REGISTERS, "APIC virtualization, without TPR shadow"},
        {0, PRIMARY_TPR_SHADOW, X2APIC | SECONDARY_VIRTUALIZE_APIC_ACCESSES,
         "virtualize x2APIC mode, and virtualize APIC accesses with it"},
    };
    (void)state;
    fixture_vcpu->apic_access_page = PAGE_SIZE;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fixture_policy.controls[CONTROL_PIN_BASED].set = cases[i].pin_based;
        fixture_policy.controls[CONTROL_PIN_BASED].clear =
            PIN_BASED_EXTERNAL_INTERRUPT_EXITING & ~cases[i].pin_based;
        fixture_policy.controls[CONTROL_PRIMARY].set = cases[i].primary;
        fixture_policy.controls[CONTROL_SECONDARY].set = cases[i].secondary;
        assert_int_equal(vcpu_apply_policy(fixture_vcpu, &fixture_policy), !cases[i].broken);
        if (!cases[i].broken)
            continue;
        assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
        assert_string_equal(fixture_vcpu->stop.text, cases[i].broken);
    }
}

static void fields(void **state)
{
    (void)state;
    virtualize(X2APIC | REGISTERS | DELIVERY);
    local_apic_write(&fixture_vcpu->apic, 0x80f, 0x1ff);
    local_apic_request(&fixture_vcpu->apic, 0x51);
    assert_true(vmcs_bind(&fixture_vcpu->vmcs));
    *simulated_field(VMCS_TPR_THRESHOLD) = 7;
    for (uint32_t i = 0; i < 4; i++)
        *simulated_field(VMCS_EOI_EXIT_0 + 2 * i) = 5;
    assert_true(applied_as(false));
    assert_int_equal(field(VMCS_VIRTUAL_APIC_PAGE), platform_physical(&fixture_vcpu->apic));
    assert_int_equal(field(VMCS_VIRTUAL_APIC_PAGE) % PAGE_SIZE, 0);
    assert_int_equal(field(VMCS_TPR_THRESHOLD), 0);
    assert_int_equal(field(VMCS_GUEST_INTERRUPT_STATUS), 0x51);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(field((enum vmcs_field)(VMCS_EOI_EXIT_0 + 2 * i)), 0);
}

/* Another vCPU has had this CPU since, or this one has come from another CPU. */
static void each_run_makes_sure(void **state)
{
    (void)state;
    assert_true(applied_as(false));
    unsigned anew = simulated_host.anew;
    simulated_host.apic_is_guests = true;
    vcpu_run(fixture_vcpu);
    assert_false(simulated_host.apic_is_guests);
    assert_int_equal(simulated_host.anew, anew);
    pass(0x808, true, true);
    assert_true(applied_as(true));
    assert_int_equal(simulated_host.anew, anew + 1);
    simulated_host.apic_is_guests = false;
    vcpu_run(fixture_vcpu);
    assert_true(simulated_host.apic_is_guests);
}

static void accesses_want_a_page(void **state)
{
    (void)state;
    virtualize(SECONDARY_VIRTUALIZE_APIC_ACCESSES);
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_string_equal(fixture_vcpu->stop.text,
                        "virtualize APIC accesses, with no page mapped for them");
    fixture_vcpu->apic_access_page = 0x123000;
    assert_true(applied_as(false));
    assert_int_equal(field(VMCS_APIC_ACCESS_PAGE), 0x123000);
    /* With the TPR shadow and without. */
    fixture_vcpu->apic_access_page = 0x456000;
    fixture_policy.controls[CONTROL_PRIMARY].set &= ~(uint32_t)PRIMARY_TPR_SHADOW;
    assert_true(applied_as(false));
    assert_false(field(VMCS_PRIMARY_CONTROLS) & PRIMARY_TPR_SHADOW);
    assert_int_equal(field(VMCS_APIC_ACCESS_PAGE), 0x456000);
}

/* Its devices' interrupts come to the CPU's own, so it has that whatever the bitmaps say. */
static void one_that_has_the_machine(void **state)
{
    (void)state;
    fixture_policy.machine = true;
    assert_true(applied_as(true));
    assert_true(fixture_vcpu->has_machine);
    assert_int_equal(field(VMCS_PRIMARY_CONTROLS) & CR8_EXITING, 0);
    assert_int_equal(field(VMCS_EXIT_CONTROLS) & EXIT_ACKNOWLEDGE_INTERRUPT, 0);
    virtualize(X2APIC);
    assert_false(vcpu_apply_policy(fixture_vcpu, &fixture_policy));
    assert_int_equal(fixture_vcpu->stop.cause, STOP_CONTROL_REFUSED);
    virtualize(0);
    fixture_policy.controls[CONTROL_PRIMARY].set = 0;
    fixture_policy.machine = false;
    assert_true(applied_as(false));
    assert_false(fixture_vcpu->has_machine);
    assert_int_equal(field(VMCS_EXIT_CONTROLS) & EXIT_ACKNOWLEDGE_INTERRUPT,
                     EXIT_ACKNOWLEDGE_INTERRUPT);
}

#define policy_test(function) cmocka_unit_test_setup_teardown(function, setup, vcpu_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        policy_test(the_cores_own),
        policy_test(any_access_that_passes_gives_the_cpus),
        policy_test(what_is_virtualized_may_pass),
        policy_test(rules_of_the_controls),
        policy_test(fields),
        policy_test(each_run_makes_sure),
        policy_test(accesses_want_a_page),
        policy_test(one_that_has_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
