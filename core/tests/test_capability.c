/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../vmx/capability.h"
#include "../x86/msr.h"

static struct vmx_capability capability;

static const struct {
    enum control_group group;
    uint32_t plain;
    uint32_t true_form;
} forms[] = {
    {CONTROL_PIN_BASED, IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS},
    {CONTROL_PRIMARY, IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS},
    {CONTROL_EXIT, IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS},
    {CONTROL_ENTRY, IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS},
};

/* Every MSR gets a value of its own, so that none can be taken for another. */
static void mark_msrs(void)
{
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        simulated_msr(forms[i].plain)->value = 0xf000000000000100 + i;
        if (simulated_msr(forms[i].true_form))
            simulated_msr(forms[i].true_form)->value = 0xf000000000000200 + i;
    }
}

static void with_true_forms(void **state)
{
    (void)state;
    mark_msrs();
    vmx_capability_read(&capability);
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        assert_int_equal(capability.controls[forms[i].group], 0xf000000000000200 + i);
    assert_int_equal(capability.controls[CONTROL_SECONDARY], 0x00007cff00000000);
    assert_int_equal(capability.ept_vpid, 0x00000f0106334141);
    assert_int_equal(capability.basic, 0x00da040000000012);
    assert_int_equal(capability.misc, 0x100401e5);
    assert_int_equal(capability.cr0_fixed0, 0x80000021);
    assert_int_equal(capability.cr0_fixed1, 0xffffffff);
    assert_int_equal(capability.cr4_fixed0, 0x2000);
    assert_int_equal(capability.cr4_fixed1, 0x1727ff);
    assert_int_equal(capability.feature_control, 5);
    assert_int_equal(vmx_revision(&capability), 0x12);
    assert_int_equal(capability.xcr0, 7);
    assert_int_equal(capability.xsave, 1);
    assert_int_equal(capability.xss, 0);
    assert_int_equal(capability.physical_bits, 48);
}

static void without_true_forms(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_BASIC)->value &= ~(1ull << 55);
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        simulated_msr_remove(forms[i].true_form);
    mark_msrs();
    vmx_capability_read(&capability);
    for (size_t i = 0; i < COUNT_OF(forms); i++)
        assert_int_equal(capability.controls[forms[i].group], 0xf000000000000100 + i);
}

/* The MSRs of what is not there are not there either: reading one would be a fault. */
static void without_secondary_controls(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_TRUE_PROCBASED_CTLS)->value &= ~(1ull << 63);
    simulated_msr_remove(IA32_VMX_PROCBASED_CTLS2);
    simulated_msr_remove(IA32_VMX_EPT_VPID_CAP);
    vmx_capability_read(&capability);
    assert_int_equal(capability.controls[CONTROL_SECONDARY], 0);
    assert_int_equal(capability.ept_vpid, 0);
}

static void without_ept_and_vpid(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_PROCBASED_CTLS2)->value &= ~(1ull << 33 | 1ull << 37);
    simulated_msr_remove(IA32_VMX_EPT_VPID_CAP);
    vmx_capability_read(&capability);
    assert_int_equal(capability.controls[CONTROL_SECONDARY], 0x00007cdd00000000);
    assert_int_equal(capability.ept_vpid, 0);
}

static void with_either_ept_or_vpid(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_PROCBASED_CTLS2)->value &= ~(1ull << 33);
    vmx_capability_read(&capability);
    assert_int_equal(capability.ept_vpid, 0x00000f0106334141);
    simulated_msr(IA32_VMX_PROCBASED_CTLS2)->value ^= 1ull << 33 | 1ull << 37;
    vmx_capability_read(&capability);
    assert_int_equal(capability.ept_vpid, 0x00000f0106334141);
}

static void absent_in_words(void **state)
{
    (void)state;
    assert_null(vmx_absent());
    simulated_msr(IA32_FEATURE_CONTROL)->value = 0;
    assert_null(vmx_absent());
    simulated_msr(IA32_FEATURE_CONTROL)->value = 3; /* inside SMX operation only */
    assert_string_equal(
        vmx_absent(),
        "VT-x is disabled by firmware: IA32_FEATURE_CONTROL is locked with bit 2 clear");
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_VMX;
    simulated_msr_remove(IA32_FEATURE_CONTROL);
    assert_string_equal(
        vmx_absent(),
        "no VT-x here: CPUID.1:ECX[5] is 0 (no VMX in this CPU, or hidden by a hypervisor)");
    assert_int_equal(simulated_cpu.wrmsrs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(with_true_forms),
        simulated_test(without_true_forms),
        simulated_test(without_secondary_controls),
        simulated_test(without_ept_and_vpid),
        simulated_test(with_either_ept_or_vpid),
        simulated_test(absent_in_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
