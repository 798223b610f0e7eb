/* SPDX-License-Identifier: MIT */
/* VM-exit and VM-entry controls: each rule of SDM Vol. 3C 27.2.1.2, 27.2.1.3 and 27.2.4 broken
 * once. */
#include "check_fixture.h"

#include "../vmx/event.h"
#include "../x86/msr.h"

#define WIDE         BIT(48) /* beyond the simulated CPU's physical-address width */
#define INFO         VMCS_ENTRY_INTERRUPTION_INFO
#define INJECT(bits) BE(ENTRY_INTERRUPTION_INFO, EVENT_VALID | (bits))

static void msr_areas(void **state)
{
    static const struct {
        enum vmcs_field address, count;
    } areas[] = {
        {VMCS_EXIT_MSR_STORE, VMCS_EXIT_MSR_STORE_COUNT},
        {VMCS_EXIT_MSR_LOAD, VMCS_EXIT_MSR_LOAD_COUNT},
        {VMCS_ENTRY_MSR_LOAD, VMCS_ENTRY_MSR_LOAD_COUNT},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(areas); i++) {
        check_start(LONG_MODE);
        uint64_t *address = simulated_field(areas[i].address),
                 *count = simulated_field(areas[i].count);
        *address = 0x1008; /* of no matter */
        check_passes();
        *count = 1;
        check_names(areas[i].address, "16-byte aligned");
        *address = WIDE;
        check_names(areas[i].address, "no bits beyond");
        *address = WIDE - 32;
        *count = 2;
        check_passes();
        *count = 3;
        check_names(areas[i].address, "last byte");
    }
}

static void events(void **state)
{
    static const struct violation violations[] = {
        {LONG_MODE, {{0}}, {INJECT(1 << 8)}, INFO, "type 1"},
        {LONG_MODE, {INJECT(EVENT_NMI | 2)}, {INJECT(EVENT_NMI | 3)}, INFO, "vector 2"},
        {LONG_MODE,
         {INJECT(EVENT_HARDWARE_EXCEPTION | 31)},
         {INJECT(EVENT_HARDWARE_EXCEPTION | 32)},
         INFO,
         "at most 31"},
        {LONG_MODE, {INJECT(7 << 8)}, {INJECT(7 << 8 | 1)}, INFO, "0 for type 7"},
        {LONG_MODE,
         {INJECT(EVENT_HARDWARE_EXCEPTION | 6)},
         {INJECT(EVENT_HARDWARE_EXCEPTION | 6 | 1 << 12)},
         INFO,
         "bits 30:12"},
        {LONG_MODE, {{0}}, {INJECT(EVENT_HARDWARE_EXCEPTION | 6 | 1 << 30)}, INFO, "bits 30:12"},
        {LONG_MODE,
         {{0}},
         {INJECT(EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | 6)},
         INFO,
         "bit 11 must be 0"},
        {LONG_MODE,
         {{0}},
         {INJECT(EVENT_NMI | EVENT_DELIVER_ERROR_CODE | 2)},
         INFO,
         "bit 11 must be 0"},
        {LONG_MODE,
         {{0}},
         {INJECT(EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | 9)},
         INFO,
         "bit 11 must be 0"},
        {LONG_MODE,
         {BE(ENTRY_INSTRUCTION_LENGTH, 2),
          INJECT(EVENT_SOFTWARE_INTERRUPT | EVENT_DELIVER_ERROR_CODE | 13),
          INJECT(EVENT_SOFTWARE_INTERRUPT | 13)},
         {INJECT(EVENT_SOFTWARE_INTERRUPT | EVENT_DELIVER_ERROR_CODE | 13)},
         INFO,
         "bit 11 must be 0"},
        {REAL,
         {INJECT(EVENT_HARDWARE_EXCEPTION | 13)},
         {INJECT(EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | 13)},
         INFO,
         "bit 11 must be 0"},
        {LONG_MODE,
         {INJECT(EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | 14),
          BE(ENTRY_EXCEPTION_ERROR_CODE, 0xffff)},
         {BE(ENTRY_EXCEPTION_ERROR_CODE, 0x10000)},
         VMCS_ENTRY_EXCEPTION_ERROR_CODE,
         "bits 31:16"},
        {LONG_MODE,
         {BE(ENTRY_INSTRUCTION_LENGTH, 15), INJECT(EVENT_SOFTWARE_INTERRUPT | 3)},
         {BE(ENTRY_INSTRUCTION_LENGTH, 16)},
         VMCS_ENTRY_INSTRUCTION_LENGTH,
         "at most 15"},
        {LONG_MODE,
         {BE(ENTRY_INSTRUCTION_LENGTH, 1), INJECT(EVENT_PRIVILEGED_TRAP | 1)},
         {BE(ENTRY_INSTRUCTION_LENGTH, 0)},
         VMCS_ENTRY_INSTRUCTION_LENGTH,
         "0 only with"},
        {LONG_MODE,
         {BE(ENTRY_INSTRUCTION_LENGTH, 1), INJECT(EVENT_SOFTWARE_EXCEPTION | 3)},
         {BE(ENTRY_INSTRUCTION_LENGTH, 0)},
         VMCS_ENTRY_INSTRUCTION_LENGTH,
         "0 only with"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

/* Which vectors have an error code, unless the CPU does not care (IA32_VMX_BASIC[56]). */
static void error_codes(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    for (unsigned vector = 0; vector < 32; vector++) {
        static const bool has[32] = {
            [8] = 1, [10] = 1, [11] = 1, [12] = 1, [13] = 1, [14] = 1, [17] = 1};
        for (int with = 0; with < 2; with++) {
            *simulated_field(INFO) = EVENT_VALID | EVENT_HARDWARE_EXCEPTION | vector |
                                     (with ? EVENT_DELIVER_ERROR_CODE : 0);
            check_capability.basic &= ~BIT(56);
            if (has[vector] == with)
                check_passes();
            else
                check_names(INFO, with ? "bit 11 must be 0" : "bit 11 must be 1");
            check_capability.basic |= BIT(56);
            check_passes();
        }
    }
}

static void event_capabilities(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    *simulated_field(INFO) = EVENT_VALID | 7 << 8;
    check_passes();
    check_capability.controls[CONTROL_PRIMARY] &= ~((uint64_t)PRIMARY_MONITOR_TRAP_FLAG << 32);
    check_names(INFO, "monitor trap flag");
    *simulated_field(INFO) = EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x80;
    check_names(VMCS_ENTRY_INSTRUCTION_LENGTH, "0 only with");
    check_capability.misc |= BIT(30);
    check_passes();
}

/* Without the valid bit there is no event, whatever else is there. */
static void no_event(void **state)
{
    static const uint32_t garbage[] = {0x7fffffff, 1 << 8, EVENT_HARDWARE_EXCEPTION | 99,
                                       EVENT_DELIVER_ERROR_CODE, EVENT_SOFTWARE_INTERRUPT};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(garbage); i++) {
        check_start(LONG_MODE);
        *simulated_field(INFO) = garbage[i];
        *simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE) = UINT32_MAX;
        *simulated_field(VMCS_ENTRY_INSTRUCTION_LENGTH) = 99;
        check_passes();
    }
}

static void address_space(void **state)
{
    static const struct violation violations[] = {
        {PROTECTED,
         {{0}},
         {OFF(EXIT_CONTROLS, EXIT_HOST_64_BIT)},
         VMCS_EXIT_CONTROLS,
         "host address-space size must be 1 in IA-32e mode"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
    simulated_msr_set(IA32_EFER, 0);
    check_start(LONG_MODE);
    check_names(VMCS_EXIT_CONTROLS, "and 0 outside it");
    *simulated_field(VMCS_EXIT_CONTROLS) &= ~(uint64_t)EXIT_HOST_64_BIT;
    check_names(VMCS_ENTRY_CONTROLS, "outside IA-32e mode");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(msr_areas),          check_test(events),   check_test(error_codes),
        check_test(event_capabilities), check_test(no_event), check_test(address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
