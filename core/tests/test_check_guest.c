/* SPDX-License-Identifier: MIT */
/*
 * Guest registers, tables, RIP, RFLAGS and PDPTEs: each rule of SDM Vol. 3C 27.3.1.1, 27.3.1.3,
 * 27.3.1.4 and 27.3.1.6 broken once; and valid states of every kind.
 */
#include "check_fixture.h"

#include "../vmx/event.h"

#define HOLE BIT(47) /* not canonical on the simulated CPU */

/* What the vCPU sets up by itself has nothing to complain of, capability as it is included. */
static void valid_states(void **state)
{
    struct vmcs_fault fault;
    (void)state;
    check_start(LONG_MODE);
    assert_true(vmcs_check(&fixture_cpu.capability, &fault));
    for (int base = 0; base < BASES; base++) {
        check_start((enum base)base);
        check_passes();
    }
    check_start(REAL); /* with a code segment as after RESET */
    *simulated_field(VMCS_GUEST_CS_ACCESS_RIGHTS) = 0x9b;
    *simulated_field(VMCS_GUEST_CS_BASE) = 0xffff0000;
    check_passes();
}

static void registers(void **state)
{
    static const struct change cet = ON(ENTRY_CONTROLS, BIT(20));
    const struct violation violations[] = {
        {LONG_MODE, {{0}}, {OFF(GUEST_CR0, BIT(5))}, VMCS_GUEST_CR0, "fixed"},
        {PROTECTED, {{0}}, {OFF(GUEST_CR0, BIT(31))}, VMCS_GUEST_CR0, "fixed"},
        {PROTECTED, {{0}}, {OFF(GUEST_CR0, BIT(0))}, VMCS_GUEST_CR0, "fixed"},
        {LONG_MODE,
         {ON(GUEST_CR0, BIT(29) | BIT(30))},
         {ON(GUEST_CR0, BIT(32))},
         VMCS_GUEST_CR0,
         "fixed"},
        {UNPAGED, {{0}}, {OFF(GUEST_CR0, BIT(5))}, VMCS_GUEST_CR0, "fixed"},
        {REAL, {{0}}, {ON(GUEST_CR0, BIT(31))}, VMCS_GUEST_CR0, "with PG: PE"},
        {LONG_MODE,
         {ON(SECONDARY_CONTROLS, SECONDARY_UNRESTRICTED_GUEST)},
         {OFF(GUEST_CR0, BIT(31))},
         VMCS_GUEST_CR0,
         "PG must be 1"},
        {LONG_MODE,
         {ON(GUEST_CR4, BIT(23))},
         {OFF(GUEST_CR0, BIT(16))},
         VMCS_GUEST_CR0,
         "WP must be 1"},
        {LONG_MODE, {{0}}, {OFF(GUEST_CR4, BIT(13))}, VMCS_GUEST_CR4, "fixed"},
        {REAL, {{0}}, {OFF(GUEST_CR4, BIT(13))}, VMCS_GUEST_CR4, "fixed"},
        {LONG_MODE, {{0}}, {ON(GUEST_CR4, BIT(31))}, VMCS_GUEST_CR4, "fixed"},
        {LONG_MODE, {{0}}, {OFF(GUEST_CR4, BIT(5))}, VMCS_GUEST_CR4, "PAE must be 1"},
        {PROTECTED, {{0}}, {ON(GUEST_CR4, BIT(17))}, VMCS_GUEST_CR4, "PCIDE must be 0"},
        {LONG_MODE,
         {ON(GUEST_CR4, BIT(17))},
         {BE(GUEST_CR3, BIT(48))},
         VMCS_GUEST_CR3,
         "physical-address width"},
        {LONG_MODE,
         {BE(GUEST_DEBUGCTL, 0xffc7)},
         {BE(GUEST_DEBUGCTL, 8)},
         VMCS_GUEST_DEBUGCTL,
         "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_DEBUGCTL, BIT(16))}, VMCS_GUEST_DEBUGCTL, "reserved"},
        {LONG_MODE, {BE(GUEST_DR7, UINT32_MAX)}, {BE(GUEST_DR7, BIT(32))}, VMCS_GUEST_DR7, "63:32"},
        {LONG_MODE, {{0}}, {BE(GUEST_SYSENTER_ESP, HOLE)}, VMCS_GUEST_SYSENTER_ESP, "canonical"},
        {LONG_MODE, {{0}}, {BE(GUEST_SYSENTER_EIP, HOLE)}, VMCS_GUEST_SYSENTER_EIP, "canonical"},
        {LONG_MODE,
         {ON(ENTRY_CONTROLS, ENTRY_LOAD_PERF_GLOBAL_CTRL), BE(GUEST_PERF_GLOBAL_CTRL, 15)},
         {BE(GUEST_PERF_GLOBAL_CTRL, 16)},
         VMCS_GUEST_PERF_GLOBAL_CTRL,
         "reserved"},
        {LONG_MODE, {{0}}, {BE(GUEST_PAT, 2)}, VMCS_GUEST_PAT, "each byte"},
        {LONG_MODE,
         {ON(GUEST_EFER, BIT(0) | BIT(11))},
         {ON(GUEST_EFER, BIT(12))},
         VMCS_GUEST_EFER,
         "reserved"},
        {LONG_MODE, {{0}}, {OFF(GUEST_EFER, BIT(10))}, VMCS_GUEST_EFER, "LMA as"},
        {PROTECTED, {{0}}, {ON(GUEST_EFER, BIT(10))}, VMCS_GUEST_EFER, "LMA as"},
        {LONG_MODE, {{0}}, {OFF(GUEST_EFER, BIT(8))}, VMCS_GUEST_EFER, "LMA and LME"},
        {UNPAGED,
         {ON(GUEST_EFER, BIT(8))},
         {ON(GUEST_CR0, BIT(31))},
         VMCS_GUEST_EFER,
         "LMA and LME"},
        {LONG_MODE,
         {ON(ENTRY_CONTROLS, BIT(16)), BE(GUEST_BNDCFGS, 3)},
         {BE(GUEST_BNDCFGS, 4)},
         VMCS_GUEST_BNDCFGS,
         "bits 11:2"},
        {LONG_MODE,
         {ON(ENTRY_CONTROLS, BIT(16))},
         {BE(GUEST_BNDCFGS, HOLE)},
         VMCS_GUEST_BNDCFGS,
         "canonical"},
        {LONG_MODE,
         {ON(ENTRY_CONTROLS, BIT(22))},
         {BE(GUEST_PKRS, BIT(32))},
         VMCS_GUEST_PKRS,
         "63:32"},
        {LONG_MODE,
         {ON(ENTRY_CONTROLS, BIT(19)), BE(GUEST_UINV, 255)},
         {BE(GUEST_UINV, 256)},
         VMCS_GUEST_UINV,
         "15:8"},
        {LONG_MODE, {cet}, {BE(GUEST_S_CET, 0x200)}, VMCS_GUEST_S_CET, "reserved"},
        {LONG_MODE,
         {cet},
         {BE(GUEST_INTERRUPT_SSP_TABLE, HOLE)},
         VMCS_GUEST_INTERRUPT_SSP_TABLE,
         "canonical"},
        {LONG_MODE, {cet}, {BE(GUEST_SSP, 1)}, VMCS_GUEST_SSP, "bits 1:0"},
        {LONG_MODE,
         {cet, BE(GUEST_SSP, HOLE)},
         {BE(GUEST_SSP, BIT(48))},
         VMCS_GUEST_SSP,
         "identical"},
        {PROTECTED,
         {cet, BE(GUEST_SSP, BIT(31))},
         {BE(GUEST_SSP, BIT(32))},
         VMCS_GUEST_SSP,
         "63:32"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

static void tables_rip_and_rflags(void **state)
{
    static const struct change external = BE(ENTRY_INTERRUPTION_INFO, EVENT_VALID | 0x40);
    const struct violation violations[] = {
        {LONG_MODE, {{0}}, {BE(GUEST_GDTR_BASE, HOLE)}, VMCS_GUEST_GDTR_BASE, "canonical"},
        {LONG_MODE, {{0}}, {BE(GUEST_IDTR_BASE, HOLE)}, VMCS_GUEST_IDTR_BASE, "canonical"},
        {LONG_MODE,
         {BE(GUEST_GDTR_LIMIT, 0xffff)},
         {BE(GUEST_GDTR_LIMIT, 0x10000)},
         VMCS_GUEST_GDTR_LIMIT,
         "31:16"},
        {LONG_MODE,
         {BE(GUEST_IDTR_LIMIT, 0xffff)},
         {BE(GUEST_IDTR_LIMIT, 0x10000)},
         VMCS_GUEST_IDTR_LIMIT,
         "31:16"},
        {PROTECTED, {BE(GUEST_RIP, UINT32_MAX)}, {BE(GUEST_RIP, BIT(32))}, VMCS_GUEST_RIP, "63:32"},
        {LONG_MODE,
         {BE(GUEST_CS_ACCESS_RIGHTS, 0xc09b)},
         {BE(GUEST_RIP, BIT(32))},
         VMCS_GUEST_RIP,
         "63:32"},
        {LONG_MODE, {BE(GUEST_RIP, HOLE)}, {BE(GUEST_RIP, BIT(48))}, VMCS_GUEST_RIP, "identical"},
        {LONG_MODE,
         {BE(GUEST_RIP, -BIT(48))},
         {BE(GUEST_RIP, BIT(63))},
         VMCS_GUEST_RIP,
         "identical"},
        {LONG_MODE,
         {BE(GUEST_RFLAGS, 0x3d7fd7 & ~BIT(17))},
         {ON(GUEST_RFLAGS, BIT(3))},
         VMCS_GUEST_RFLAGS,
         "reserved bits"},
        {LONG_MODE, {{0}}, {ON(GUEST_RFLAGS, BIT(5))}, VMCS_GUEST_RFLAGS, "reserved bits"},
        {LONG_MODE, {{0}}, {ON(GUEST_RFLAGS, BIT(15))}, VMCS_GUEST_RFLAGS, "reserved bits"},
        {LONG_MODE, {{0}}, {ON(GUEST_RFLAGS, BIT(22))}, VMCS_GUEST_RFLAGS, "reserved bits"},
        {LONG_MODE, {{0}}, {ON(GUEST_RFLAGS, BIT(63))}, VMCS_GUEST_RFLAGS, "reserved bits"},
        {LONG_MODE, {{0}}, {BE(GUEST_RFLAGS, 0)}, VMCS_GUEST_RFLAGS, "bit 1 must be 1"},
        {LONG_MODE, {{0}}, {ON(GUEST_RFLAGS, BIT(17))}, VMCS_GUEST_RFLAGS, "IA-32e mode guest"},
        {REAL, {{0}}, {ON(GUEST_RFLAGS, BIT(17))}, VMCS_GUEST_RFLAGS, "CR0.PE"},
        {LONG_MODE,
         {external, ON(GUEST_RFLAGS, BIT(9))},
         {OFF(GUEST_RFLAGS, BIT(9))},
         VMCS_GUEST_RFLAGS,
         "IF must be 1"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

static void page_directory_pointers(void **state)
{
    static const enum vmcs_field entries[] = {VMCS_GUEST_PDPTE0, VMCS_GUEST_PDPTE1,
                                              VMCS_GUEST_PDPTE2, VMCS_GUEST_PDPTE3};
    static const uint64_t reserved[] = {BIT(1), BIT(2), BIT(5),  BIT(6),
                                        BIT(7), BIT(8), BIT(48), BIT(63)};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        for (size_t bit = 0; bit < COUNT_OF(reserved); bit++) {
            check_start(PAE);
            *simulated_field(entries[i]) = reserved[bit]; /* not present */
            check_passes();
            *simulated_field(entries[i]) = 0x5e19;
            check_passes();
            *simulated_field(entries[i]) = 0x5e19 | reserved[bit];
            check_names(entries[i], "PAE paging");
            *simulated_field(VMCS_GUEST_CR4) &= ~BIT(5);
            check_passes();
        }
    check_start(LONG_MODE);
    for (size_t i = 0; i < COUNT_OF(entries); i++)
        *simulated_field(entries[i]) = UINT64_MAX;
    check_passes();
    *simulated_field(VMCS_SECONDARY_CONTROLS) &= ~(uint64_t)SECONDARY_EPT;
    check_passes();
}

static void what_is_not_loaded(void **state)
{
    static const struct change garbage[] = {
        OFF(GUEST_CR0, BIT(16)),
        OFF(ENTRY_CONTROLS, ENTRY_LOAD_PAT | ENTRY_LOAD_EFER | ENTRY_LOAD_DEBUG_CONTROLS),
        BE(GUEST_PAT, 0xff),
        BE(GUEST_EFER, 0xff),
        BE(GUEST_DEBUGCTL, UINT64_MAX),
        BE(GUEST_DR7, UINT64_MAX),
        BE(GUEST_PERF_GLOBAL_CTRL, UINT64_MAX),
        BE(GUEST_BNDCFGS, UINT64_MAX),
        BE(GUEST_S_CET, HOLE),
        BE(GUEST_SSP, BIT(50) | 3),
        BE(GUEST_INTERRUPT_SSP_TABLE, HOLE),
        BE(GUEST_PKRS, UINT64_MAX),
        BE(GUEST_UINV, 0xffff)};
    (void)state;
    for (int base = 0; base < BASES; base++) {
        check_start((enum base)base);
        check_change(garbage, COUNT_OF(garbage));
        check_passes();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(valid_states),          check_test(registers),
        check_test(tables_rip_and_rflags), check_test(page_directory_pointers),
        check_test(what_is_not_loaded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
