/* SPDX-License-Identifier: MIT */
/* Guest non-register state: each rule of SDM Vol. 3C 27.3.1.5 broken once. */
#include "check_fixture.h"

#include "../vmx/event.h"

#define ACTIVITY VMCS_GUEST_ACTIVITY
#define BLOCKING VMCS_GUEST_INTERRUPTIBILITY
#define PENDING  VMCS_GUEST_PENDING_DEBUG

#define INJECT(bits) BE(ENTRY_INTERRUPTION_INFO, EVENT_VALID | (bits))
#define NMI          INJECT(EVENT_NMI | 2)
#define EXTERNAL     INJECT(0x40)
#define IF           ON(GUEST_RFLAGS, BIT(9))
#define TF           ON(GUEST_RFLAGS, BIT(8))

enum { ACTIVE, HLT, SHUTDOWN, WAIT_FOR_SIPI };

static void violations(void **state)
{
    static const struct violation violations[] = {
        {LONG_MODE,
         {BE(GUEST_ACTIVITY, WAIT_FOR_SIPI)},
         {BE(GUEST_ACTIVITY, 4)},
         ACTIVITY,
         "0, or one of"},
        {UNPAGED,
         {BE(GUEST_SS_ACCESS_RIGHTS, 0xc0f3), BE(GUEST_CS_ACCESS_RIGHTS, 0xc0fb)},
         {BE(GUEST_ACTIVITY, HLT)},
         ACTIVITY,
         "SS's DPL"},
        {LONG_MODE,
         {IF, ON(GUEST_INTERRUPTIBILITY, 1)},
         {BE(GUEST_ACTIVITY, HLT)},
         ACTIVITY,
         "must be active"},
        {LONG_MODE,
         {ON(GUEST_INTERRUPTIBILITY, 2)},
         {BE(GUEST_ACTIVITY, SHUTDOWN)},
         ACTIVITY,
         "must be active"},
        {LONG_MODE,
         {ON(GUEST_INTERRUPTIBILITY, 8)},
         {ON(GUEST_INTERRUPTIBILITY, 32)},
         BLOCKING,
         "bits 31:5"},
        {LONG_MODE,
         {IF, ON(GUEST_INTERRUPTIBILITY, 1)},
         {ON(GUEST_INTERRUPTIBILITY, 2)},
         BLOCKING,
         "not both"},
        {LONG_MODE,
         {IF, ON(GUEST_INTERRUPTIBILITY, 1)},
         {OFF(GUEST_RFLAGS, BIT(9))},
         BLOCKING,
         "without RFLAGS.IF"},
        {LONG_MODE,
         {IF, EXTERNAL},
         {ON(GUEST_INTERRUPTIBILITY, 1)},
         BLOCKING,
         "inject an external"},
        {LONG_MODE,
         {IF, EXTERNAL},
         {ON(GUEST_INTERRUPTIBILITY, 2)},
         BLOCKING,
         "inject an external"},
        {LONG_MODE,
         {NMI},
         {ON(GUEST_INTERRUPTIBILITY, 2)},
         BLOCKING,
         "MOV SS must be 0 to inject an NMI"},
        {LONG_MODE, {IF, NMI}, {ON(GUEST_INTERRUPTIBILITY, 1)}, BLOCKING, "a CPU may want"},
        {LONG_MODE, {{0}}, {ON(GUEST_INTERRUPTIBILITY, 4)}, BLOCKING, "SMI"},
        {LONG_MODE,
         {OFF(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS), NMI, ON(GUEST_INTERRUPTIBILITY, 8)},
         {ON(PIN_BASED_CONTROLS, PIN_BASED_VIRTUAL_NMIS)},
         BLOCKING,
         "with virtual NMIs"},
        {LONG_MODE,
         {ON(GUEST_INTERRUPTIBILITY, 2)},
         {ON(GUEST_INTERRUPTIBILITY, 16)},
         BLOCKING,
         "with enclave interruption"},
        {LONG_MODE, {{0}}, {ON(GUEST_INTERRUPTIBILITY, 16)}, BLOCKING, "without SGX"},
        {LONG_MODE,
         {BE(GUEST_PENDING_DEBUG, 0x500f)},
         {BE(GUEST_PENDING_DEBUG, 0x10)},
         PENDING,
         "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(11))}, PENDING, "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(13))}, PENDING, "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(15))}, PENDING, "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(17))}, PENDING, "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(63))}, PENDING, "reserved"},
        {LONG_MODE, {TF}, {ON(GUEST_INTERRUPTIBILITY, 2)}, PENDING, "BS"},
        {LONG_MODE,
         {TF, IF, ON(GUEST_INTERRUPTIBILITY, 1), ON(GUEST_PENDING_DEBUG, BIT(14))},
         {OFF(GUEST_RFLAGS, BIT(8))},
         PENDING,
         "BS"},
        {LONG_MODE,
         {TF, ON(GUEST_PENDING_DEBUG, BIT(14)), BE(GUEST_ACTIVITY, HLT)},
         {ON(GUEST_DEBUGCTL, 2)},
         PENDING,
         "BS"},
        {LONG_MODE, {TF}, {BE(GUEST_ACTIVITY, HLT)}, PENDING, "BS"},
        {LONG_MODE, {{0}}, {BE(GUEST_PENDING_DEBUG, BIT(16) | BIT(12))}, PENDING, "wants RTM"},
        {LONG_MODE, {{0}}, {BE(GUEST_VMCS_LINK, 0x1800)}, VMCS_GUEST_VMCS_LINK, "4 KiB aligned"},
        {LONG_MODE, {{0}}, {BE(GUEST_VMCS_LINK, BIT(48))}, VMCS_GUEST_VMCS_LINK, "no bits beyond"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

/* What wakes which state; a row of HLT, shutdown, wait-for-SIPI. The active state takes all. */
static void what_wakes(void **state)
{
    static const struct {
        uint32_t info;
        bool taken[4];
    } events[] = {
        {0x40, {1, 1, 0, 0}},
        {EVENT_NMI | 2, {1, 1, 1, 0}},
        {EVENT_HARDWARE_EXCEPTION | VECTOR_DB, {1, 1, 0, 0}},
        {EVENT_HARDWARE_EXCEPTION | VECTOR_MC, {1, 1, 1, 0}},
        {EVENT_HARDWARE_EXCEPTION | VECTOR_UD, {1, 0, 0, 0}},
        {EVENT_SOFTWARE_INTERRUPT | 0x80, {1, 0, 0, 0}},
        {EVENT_TYPE | 0, {1, 1, 0, 0}}, /* a pending MTF VM exit */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(events); i++)
        for (int activity = ACTIVE; activity <= WAIT_FOR_SIPI; activity++) {
            check_start(LONG_MODE);
            *simulated_field(VMCS_GUEST_RFLAGS) |= BIT(9);
            *simulated_field(VMCS_ENTRY_INSTRUCTION_LENGTH) = 2;
            *simulated_field(ACTIVITY) = (uint64_t)activity;
            check_passes();
            *simulated_field(VMCS_ENTRY_INTERRUPTION_INFO) = EVENT_VALID | events[i].info;
            if (events[i].taken[activity])
                check_passes();
            else
                check_names(ACTIVITY, "must not block the event");
        }
}

static void capabilities(void **state)
{
    (void)state;
    for (unsigned activity = HLT; activity <= WAIT_FOR_SIPI; activity++) {
        check_start(LONG_MODE);
        *simulated_field(ACTIVITY) = activity;
        check_passes();
        check_capability.misc &= ~BIT(5 + activity);
        check_names(ACTIVITY, "IA32_VMX_MISC[8:6]");
        check_capability.misc |= BIT(5 + activity);
    }
    check_start(LONG_MODE);
    *simulated_field(BLOCKING) = 16;
    simulated_leaf(7, 0)->ebx |= BIT(2);
    check_passes();
    check_start(LONG_MODE);
    *simulated_field(PENDING) = BIT(11);
    simulated_leaf(7, 0)->ecx |= BIT(24);
    check_passes();
}

static void transactions(void **state)
{
    (void)state;
    simulated_leaf(7, 0)->ebx |= BIT(11);
    check_start(LONG_MODE);
    *simulated_field(PENDING) = BIT(16) | BIT(12);
    check_passes();
    *simulated_field(PENDING) = BIT(16);
    check_names(PENDING, "bit 12 set");
    *simulated_field(PENDING) = BIT(16) | BIT(12) | BIT(14);
    check_names(PENDING, "no other bits");
    *simulated_field(PENDING) = BIT(16) | BIT(12) | 1;
    check_names(PENDING, "no other bits");
    *simulated_field(PENDING) = BIT(16) | BIT(12);
    *simulated_field(BLOCKING) = 2;
    check_names(BLOCKING, "pending RTM");
}

static void link_pointer(void **state)
{
    uint32_t *linked = (uint32_t *)check_page;
    (void)state;
    check_start(LONG_MODE);
    *simulated_field(VMCS_GUEST_VMCS_LINK) = platform_physical(check_page);
    check_names(VMCS_GUEST_VMCS_LINK, "revision identifier");
    *linked = 0x12;
    check_passes();
    *linked |= 1u << 31; /* a shadow VMCS */
    check_names(VMCS_GUEST_VMCS_LINK, "revision identifier");
    *simulated_field(VMCS_SECONDARY_CONTROLS) |= BIT(14);
    check_passes();
    *linked = 0x12;
    check_names(VMCS_GUEST_VMCS_LINK, "revision identifier");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(violations),   check_test(what_wakes),   check_test(capabilities),
        check_test(transactions), check_test(link_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
