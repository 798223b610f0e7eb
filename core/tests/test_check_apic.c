/* SPDX-License-Identifier: MIT */
/* Controls of interrupts and the local APIC: each rule of SDM Vol. 3C 27.2.1.1 broken once. */
#include "check_fixture.h"

#define WIDE BIT(48) /* beyond the simulated CPU's physical-address width */

static void interrupts(void **state)
{
    const struct change shadow = ON(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW);
    const struct change page = BE(VIRTUAL_APIC_PAGE, platform_physical(check_page));
    const struct change delivery = ON(SECONDARY_CONTROLS, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY);
    const struct change posted = ON(PIN_BASED_CONTROLS, PIN_BASED_POSTED_INTERRUPTS);
    const struct violation violations[] = {
        {LONG_MODE,
         {shadow, page, BE(TPR_THRESHOLD, 5)},
         {BE(TPR_THRESHOLD, 6)},
         VMCS_TPR_THRESHOLD,
         "VTPR"},
        {LONG_MODE,
         {shadow, page, BE(TPR_THRESHOLD, 4)},
         {BE(TPR_THRESHOLD, 0x14)},
         VMCS_TPR_THRESHOLD,
         "bits 31:4"},
        {LONG_MODE,
         {shadow, page, ON(SECONDARY_CONTROLS, SECONDARY_VIRTUALIZE_APIC_ACCESSES),
          BE(TPR_THRESHOLD, 15)},
         {BE(TPR_THRESHOLD, 16)},
         VMCS_TPR_THRESHOLD,
         "bits 31:4"},
        {LONG_MODE,
         {shadow, page, delivery, BE(TPR_THRESHOLD, 99)},
         {OFF(SECONDARY_CONTROLS, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)},
         VMCS_TPR_THRESHOLD,
         "bits 31:4"},
        {LONG_MODE,
         {shadow, page, ON(SECONDARY_CONTROLS, SECONDARY_VIRTUALIZE_X2APIC)},
         {OFF(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW)},
         VMCS_SECONDARY_CONTROLS,
         "without the TPR shadow"},
        {LONG_MODE,
         {shadow, page, ON(SECONDARY_CONTROLS, SECONDARY_APIC_REGISTER_VIRTUALIZATION)},
         {OFF(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW)},
         VMCS_SECONDARY_CONTROLS,
         "without the TPR shadow"},
        {LONG_MODE,
         {shadow, page, delivery},
         {OFF(PRIMARY_CONTROLS, PRIMARY_TPR_SHADOW)},
         VMCS_SECONDARY_CONTROLS,
         "without the TPR shadow"},
        {LONG_MODE,
         {shadow, page, ON(SECONDARY_CONTROLS, SECONDARY_VIRTUALIZE_X2APIC)},
         {ON(SECONDARY_CONTROLS, SECONDARY_VIRTUALIZE_APIC_ACCESSES)},
         VMCS_SECONDARY_CONTROLS,
         "with virtualize x2APIC mode"},
        {LONG_MODE,
         {shadow, page, delivery},
         {OFF(PIN_BASED_CONTROLS, PIN_BASED_EXTERNAL_INTERRUPT_EXITING)},
         VMCS_PIN_BASED_CONTROLS,
         "external-interrupt exiting must be 1"},
        {LONG_MODE,
         {shadow, page, delivery, posted},
         {OFF(SECONDARY_CONTROLS, SECONDARY_VIRTUAL_INTERRUPT_DELIVERY)},
         VMCS_PIN_BASED_CONTROLS,
         "posted interrupts must be 0"},
        {LONG_MODE,
         {shadow, page, delivery, posted},
         {OFF(EXIT_CONTROLS, EXIT_ACKNOWLEDGE_INTERRUPT)},
         VMCS_EXIT_CONTROLS,
         "acknowledge"},
        {LONG_MODE,
         {shadow, page, delivery, posted, BE(POSTED_INTERRUPT_NOTIFICATION_VECTOR, 255)},
         {BE(POSTED_INTERRUPT_NOTIFICATION_VECTOR, 256)},
         VMCS_POSTED_INTERRUPT_NOTIFICATION_VECTOR,
         "bits 15:8"},
        {LONG_MODE,
         {shadow, page, delivery, posted, BE(POSTED_INTERRUPT_DESCRIPTOR, 0x40)},
         {BE(POSTED_INTERRUPT_DESCRIPTOR, 0x20)},
         VMCS_POSTED_INTERRUPT_DESCRIPTOR,
         "64-byte"},
        {LONG_MODE,
         {shadow, page, delivery, posted},
         {BE(POSTED_INTERRUPT_DESCRIPTOR, WIDE)},
         VMCS_POSTED_INTERRUPT_DESCRIPTOR,
         "64-byte"},
        {LONG_MODE,
         {OFF(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS | PIN_BASED_NMI_EXITING)},
         {ON(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS)},
         VMCS_PIN_BASED_CONTROLS,
         "without NMI exiting"},
        {LONG_MODE,
         {ON(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS),
          ON(PRIMARY_CONTROLS, PRIMARY_NMI_WINDOW_EXITING)},
         {OFF(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS)},
         VMCS_PRIMARY_CONTROLS,
         "without virtual NMIs"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

int main(void)
{
    const struct CMUnitTest tests[] = {check_test(interrupts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
