/* SPDX-License-Identifier: MIT */
/* VM-execution controls, and the settings of all: each rule of SDM Vol. 3C 27.2.1.1 broken once. */
#include "check_fixture.h"

#define PAGE 0x7000ull
#define WIDE BIT(48) /* beyond the simulated CPU's physical-address width */

static void settings(void **state)
{
    static const struct violation violations[] = {
        {LONG_MODE,
         {{0}},
         {ON(PIN_BASED_CONTROLS, BIT(20))},
         VMCS_PIN_BASED_CONTROLS,
         "27.2.1.1: reserved"},
        {LONG_MODE,
         {{0}},
         {OFF(PIN_BASED_CONTROLS, BIT(1))},
         VMCS_PIN_BASED_CONTROLS,
         "27.2.1.1: reserved"},
        {LONG_MODE,
         {{0}},
         {ON(PRIMARY_CONTROLS, BIT(0))},
         VMCS_PRIMARY_CONTROLS,
         "27.2.1.1: reserved"},
        {LONG_MODE,
         {{0}},
         {OFF(PRIMARY_CONTROLS, BIT(1))},
         VMCS_PRIMARY_CONTROLS,
         "27.2.1.1: reserved"},
        {LONG_MODE,
         {{0}},
         {ON(SECONDARY_CONTROLS, BIT(31))},
         VMCS_SECONDARY_CONTROLS,
         "27.2.1.1: reserved"},
        {LONG_MODE, {{0}}, {ON(EXIT_CONTROLS, BIT(31))}, VMCS_EXIT_CONTROLS, "27.2.1.2: reserved"},
        {LONG_MODE, {{0}}, {OFF(EXIT_CONTROLS, BIT(0))}, VMCS_EXIT_CONTROLS, "27.2.1.2: reserved"},
        {LONG_MODE,
         {{0}},
         {ON(ENTRY_CONTROLS, BIT(31))},
         VMCS_ENTRY_CONTROLS,
         "27.2.1.3: reserved"},
        {LONG_MODE,
         {{0}},
         {OFF(ENTRY_CONTROLS, BIT(0))},
         VMCS_ENTRY_CONTROLS,
         "27.2.1.3: reserved"},
        {LONG_MODE, {{0}}, {ON(ENTRY_CONTROLS, BIT(10))}, VMCS_ENTRY_CONTROLS, "outside SMM"},
        {LONG_MODE, {{0}}, {ON(ENTRY_CONTROLS, BIT(11))}, VMCS_ENTRY_CONTROLS, "outside SMM"},
        {LONG_MODE,
         {BE(CR3_TARGET_COUNT, 4)},
         {BE(CR3_TARGET_COUNT, 5)},
         VMCS_CR3_TARGET_COUNT,
         "not greater"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

/* Addresses of 4 KiB: misaligned, and too wide; and ignored where the control is off. */
static void pages(void **state)
{
    static const struct {
        struct change on;
        enum vmcs_field field;
        uint64_t misalignment;
    } pages[] = {
        {ON(PRIMARY_CONTROLS, PRIMARY_IO_BITMAPS), VMCS_IO_BITMAP_A, 0x800},
        {ON(PRIMARY_CONTROLS, PRIMARY_IO_BITMAPS), VMCS_IO_BITMAP_B, 1},
        {ON(PRIMARY_CONTROLS, PRIMARY_MSR_BITMAPS), VMCS_MSR_BITMAP, 0x800},
        {ON(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW), VMCS_VIRTUAL_APIC_PAGE, 0x80},
        {ON(SECONDARY_CONTROLS, SECONDARY_VIRTUALIZE_APIC_ACCESSES), VMCS_APIC_ACCESS_PAGE, 0x800},
        {ON(SECONDARY_CONTROLS, SECONDARY_PAGE_MODIFICATION_LOG), VMCS_PML_ADDRESS, 0x400},
        {ON(SECONDARY_CONTROLS, BIT(23)), VMCS_SUB_PAGE_PERMISSION_TABLE, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(14)), VMCS_VMREAD_BITMAP, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(14)), VMCS_VMWRITE_BITMAP, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(18)), VMCS_VIRTUALIZATION_EXCEPTION_INFO, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(21)), VMCS_LOW_PASID_DIRECTORY, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(21)), VMCS_HIGH_PASID_DIRECTORY, 0x800},
        {ON(SECONDARY_CONTROLS, BIT(13)), VMCS_EPTP_LIST, 0x800},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        uint64_t page =
            pages[i].field == VMCS_VIRTUAL_APIC_PAGE ? platform_physical(check_page) : PAGE;
        check_start(LONG_MODE);
        *simulated_field(VMCS_VM_FUNCTION_CONTROLS) = 1;
        *simulated_field(pages[i].field) = page;
        check_change(&pages[i].on, 1);
        check_passes();
        *simulated_field(pages[i].field) = page | pages[i].misalignment;
        check_names(pages[i].field, "4 KiB aligned");
        *simulated_field(pages[i].field) = page | WIDE;
        check_names(pages[i].field, "no bits beyond");
        *simulated_field(pages[i].on.field) &= ~pages[i].on.set;
        check_passes();
    }
    check_start(LONG_MODE); /* a list that no function uses */
    *simulated_field(VMCS_SECONDARY_CONTROLS) |= BIT(13);
    *simulated_field(VMCS_EPTP_LIST) = 1;
    check_passes();
}

static void ept_and_the_rest(void **state)
{
    static const struct change no_ept = OFF(SECONDARY_CONTROLS, SECONDARY_EPT);
    static const struct change trace[] = {ON(SECONDARY_CONTROLS, BIT(24)),
                                          ON(ENTRY_CONTROLS, BIT(18)), ON(EXIT_CONTROLS, BIT(25))};
    const struct violation violations[] = {
        {LONG_MODE,
         {{0}},
         {BE(VIRTUAL_PROCESSOR_ID, 0)},
         VMCS_VIRTUAL_PROCESSOR_ID,
         "must not be 0"},
        {LONG_MODE,
         {BE(EPT_POINTER, 0x1018)},
         {BE(EPT_POINTER, 0x1019)},
         VMCS_EPT_POINTER,
         "memory type"},
        {LONG_MODE,
         {BE(EPT_POINTER, 0x101e)},
         {BE(EPT_POINTER, 0x1016)},
         VMCS_EPT_POINTER,
         "page-walk"},
        {LONG_MODE,
         {{0}},
         {BE(EPT_POINTER, 0x1026)},
         VMCS_EPT_POINTER,
         "page-walk"}, /* five levels */
        {LONG_MODE, {{0}}, {BE(EPT_POINTER, 0x109e)}, VMCS_EPT_POINTER, "bit 7"},
        {LONG_MODE, {{0}}, {BE(EPT_POINTER, 0x111e)}, VMCS_EPT_POINTER, "bits 11:8"},
        {LONG_MODE, {{0}}, {BE(EPT_POINTER, WIDE | 0x1e)}, VMCS_EPT_POINTER, "bits 11:8"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, SECONDARY_PAGE_MODIFICATION_LOG)},
         {no_ept},
         VMCS_SECONDARY_CONTROLS,
         "with PML"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST)},
         {no_ept},
         VMCS_SECONDARY_CONTROLS,
         "with unrestricted guest"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, BIT(22))},
         {no_ept},
         VMCS_SECONDARY_CONTROLS,
         "with mode-based"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, BIT(23))},
         {no_ept},
         VMCS_SECONDARY_CONTROLS,
         "with sub-page"},
        {LONG_MODE,
         {trace[0], trace[1], trace[2]},
         {no_ept},
         VMCS_SECONDARY_CONTROLS,
         "with Intel PT"},
        {LONG_MODE,
         {trace[0], trace[1], trace[2]},
         {OFF(ENTRY_CONTROLS, BIT(18))},
         VMCS_ENTRY_CONTROLS,
         "with Intel PT"},
        {LONG_MODE,
         {trace[0], trace[1], trace[2]},
         {OFF(EXIT_CONTROLS, BIT(25))},
         VMCS_EXIT_CONTROLS,
         "with Intel PT"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, BIT(13)), BE(VM_FUNCTION_CONTROLS, 1)},
         {BE(VM_FUNCTION_CONTROLS, 2)},
         VMCS_VM_FUNCTION_CONTROLS,
         "IA32_VMX_VMFUNC"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, BIT(13)), BE(VM_FUNCTION_CONTROLS, 1)},
         {no_ept},
         VMCS_VM_FUNCTION_CONTROLS,
         "EPTP switching"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, SECONDARY_TSC_SCALING), BE(TSC_MULTIPLIER, 1)},
         {BE(TSC_MULTIPLIER, 0)},
         VMCS_TSC_MULTIPLIER,
         "TSC scaling"},
        {LONG_MODE,
         {ON(PIN_BASED_CONTROLS, PIN_BASED_PREEMPTION_TIMER),
          ON(EXIT_CONTROLS, EXIT_SAVE_PREEMPTION_TIMER)},
         {OFF(PIN_BASED_CONTROLS, PIN_BASED_PREEMPTION_TIMER)},
         VMCS_EXIT_CONTROLS,
         "VMX-preemption timer"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

/* What depends on the capability alone. */
static void ept_capabilities(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    *simulated_field(VMCS_EPT_POINTER) = 0x105e;
    check_passes();
    check_capability.ept_vpid &= ~BIT(21);
    check_names(VMCS_EPT_POINTER, "bit 6");
    *simulated_field(VMCS_EPT_POINTER) = 0x1018;
    check_passes();
    check_capability.ept_vpid &= ~BIT(8);
    check_names(VMCS_EPT_POINTER, "memory type");
    *simulated_field(VMCS_EPT_POINTER) = 0x1026;
    check_capability.ept_vpid |= BIT(7);
    check_passes();
    check_capability.ept_vpid |= BIT(23);
    *simulated_field(VMCS_EPT_POINTER) = 0x10a6;
    check_passes();
}

/* Without "activate secondary controls" their field is nothing; and nor is what they would use. */
static void secondary_controls_off(void **state)
{
    static const struct change off[] = {
        OFF(PRIMARY_CONTROLS, (uint32_t)PRIMARY_SECONDARY),
        BE(SECONDARY_CONTROLS, UINT32_MAX),
        OFF(PIN_BASED_CONTROLS, PIN_BASED_EXTERNAL_INTERRUPT_EXITING),
        BE(VIRTUAL_PROCESSOR_ID, 0),
        BE(EPT_POINTER, 0xfff),
        BE(VM_FUNCTION_CONTROLS, 3),
        BE(TPR_THRESHOLD, 0xff),
        BE(POSTED_INTERRUPT_NOTIFICATION_VECTOR, 0xffff),
        BE(POSTED_INTERRUPT_DESCRIPTOR, 1),
        OFF(EXIT_CONTROLS, EXIT_ACKNOWLEDGE_INTERRUPT)};
    (void)state;
    check_start(LONG_MODE);
    check_change(off, COUNT_OF(off));
    check_capability.ept_vpid &= ~BIT(21);
    check_passes();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(settings),
        check_test(pages),
        check_test(ept_and_the_rest),
        check_test(ept_capabilities),
        check_test(secondary_controls_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
