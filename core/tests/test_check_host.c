/* SPDX-License-Identifier: MIT */
/* The host-state area: each rule of SDM Vol. 3C 27.2.2 to 27.2.4 broken once. */
#include "check_fixture.h"

#include "../x86/msr.h"

#define HOLE BIT(47) /* not canonical on the simulated CPU */

static const struct change cet[] = {ON(EXIT_CONTROLS, BIT(28)), ON(HOST_CR4, BIT(23))};

static void registers(void **state)
{
    const struct violation violations[] = {
        {LONG_MODE, {{0}}, {OFF(HOST_CR0, BIT(5))}, VMCS_HOST_CR0, "fixed"},
        {LONG_MODE, {{0}}, {ON(HOST_CR0, BIT(32))}, VMCS_HOST_CR0, "fixed"},
        {LONG_MODE, {{0}}, {OFF(HOST_CR4, BIT(13))}, VMCS_HOST_CR4, "fixed"},
        {LONG_MODE, {{0}}, {ON(HOST_CR4, BIT(30))}, VMCS_HOST_CR4, "fixed"},
        {LONG_MODE, {{0}}, {OFF(HOST_CR4, BIT(5))}, VMCS_HOST_CR4, "PAE must be 1"},
        {LONG_MODE, {cet[1]}, {OFF(HOST_CR0, BIT(16))}, VMCS_HOST_CR0, "WP must be 1"},
        {LONG_MODE,
         {BE(HOST_CR3, BIT(47))},
         {BE(HOST_CR3, BIT(48))},
         VMCS_HOST_CR3,
         "physical-address width"},
        {LONG_MODE,
         {BE(HOST_SYSENTER_ESP, -HOLE)},
         {BE(HOST_SYSENTER_ESP, HOLE)},
         VMCS_HOST_SYSENTER_ESP,
         "canonical"},
        {LONG_MODE,
         {BE(HOST_SYSENTER_EIP, HOLE - 1)},
         {BE(HOST_SYSENTER_EIP, HOLE)},
         VMCS_HOST_SYSENTER_EIP,
         "canonical"},
        {LONG_MODE, {BE(HOST_RIP, -HOLE)}, {BE(HOST_RIP, HOLE)}, VMCS_HOST_RIP, "canonical"},
        {LONG_MODE,
         {ON(EXIT_CONTROLS, EXIT_LOAD_PERF_GLOBAL_CTRL), BE(HOST_PERF_GLOBAL_CTRL, 0x70000000f)},
         {ON(HOST_PERF_GLOBAL_CTRL, BIT(4))},
         VMCS_HOST_PERF_GLOBAL_CTRL,
         "reserved"},
        {LONG_MODE,
         {ON(EXIT_CONTROLS, EXIT_LOAD_PERF_GLOBAL_CTRL)},
         {BE(HOST_PERF_GLOBAL_CTRL, BIT(35))},
         VMCS_HOST_PERF_GLOBAL_CTRL,
         "reserved"},
        {LONG_MODE,
         {BE(HOST_PAT, 0x0001040506070001)},
         {BE(HOST_PAT, 0x0200000000000000)},
         VMCS_HOST_PAT,
         "each byte"},
        {LONG_MODE, {{0}}, {BE(HOST_PAT, 3)}, VMCS_HOST_PAT, "each byte"},
        {LONG_MODE, {{0}}, {BE(HOST_PAT, 0x0800)}, VMCS_HOST_PAT, "each byte"},
        {LONG_MODE, {{0}}, {ON(HOST_EFER, BIT(1))}, VMCS_HOST_EFER, "reserved"},
        {LONG_MODE, {{0}}, {OFF(HOST_EFER, BIT(10))}, VMCS_HOST_EFER, "LMA and LME"},
        {LONG_MODE, {{0}}, {OFF(HOST_EFER, BIT(8))}, VMCS_HOST_EFER, "LMA and LME"},
        {LONG_MODE,
         {cet[0], BE(HOST_S_CET, 0x43f)},
         {BE(HOST_S_CET, 0x40)},
         VMCS_HOST_S_CET,
         "reserved"},
        {LONG_MODE,
         {cet[0], BE(HOST_S_CET, 0x800)},
         {BE(HOST_S_CET, 0xc00)},
         VMCS_HOST_S_CET,
         "reserved"},
        {LONG_MODE, {cet[0]}, {BE(HOST_S_CET, HOLE)}, VMCS_HOST_S_CET, "canonical"},
        {LONG_MODE, {cet[0]}, {BE(HOST_SSP, HOLE)}, VMCS_HOST_SSP, "canonical"},
        {LONG_MODE, {cet[0], BE(HOST_SSP, 4)}, {BE(HOST_SSP, 2)}, VMCS_HOST_SSP, "bits 1:0"},
        {LONG_MODE,
         {cet[0]},
         {BE(HOST_INTERRUPT_SSP_TABLE, HOLE)},
         VMCS_HOST_INTERRUPT_SSP_TABLE,
         "canonical"},
        {LONG_MODE,
         {ON(EXIT_CONTROLS, BIT(29)), BE(HOST_PKRS, UINT32_MAX)},
         {BE(HOST_PKRS, BIT(32))},
         VMCS_HOST_PKRS,
         "63:32"},
    };
    (void)state;
    check_violations(violations, COUNT_OF(violations));
}

static void segments(void **state)
{
    static const enum vmcs_field selectors[] = {
        VMCS_HOST_CS_SELECTOR, VMCS_HOST_SS_SELECTOR, VMCS_HOST_DS_SELECTOR, VMCS_HOST_ES_SELECTOR,
        VMCS_HOST_FS_SELECTOR, VMCS_HOST_GS_SELECTOR, VMCS_HOST_TR_SELECTOR};
    static const enum vmcs_field bases[] = {VMCS_HOST_FS_BASE, VMCS_HOST_GS_BASE, VMCS_HOST_TR_BASE,
                                            VMCS_HOST_GDTR_BASE, VMCS_HOST_IDTR_BASE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(selectors); i++)
        for (int bit = 0; bit < 3; bit++) {
            check_start(LONG_MODE);
            *simulated_field(selectors[i]) |= BIT(bit);
            check_names(selectors[i], "RPL and TI");
        }
    for (size_t i = 0; i < COUNT_OF(selectors); i++) {
        check_start(LONG_MODE);
        *simulated_field(selectors[i]) = 0;
        if (selectors[i] == VMCS_HOST_CS_SELECTOR || selectors[i] == VMCS_HOST_TR_SELECTOR)
            check_names(selectors[i], "must not be 0");
        else
            check_passes();
    }
    for (size_t i = 0; i < COUNT_OF(bases); i++) {
        check_start(LONG_MODE);
        *simulated_field(bases[i]) = -HOLE;
        check_passes();
        *simulated_field(bases[i]) = HOLE;
        check_names(bases[i], "canonical");
    }
}

/* A host outside IA-32e mode, as we never are. */
static void host_of_32_bits(void **state)
{
    static const struct change host[] = {OFF(EXIT_CONTROLS, EXIT_HOST_64_BIT),
                                         OFF(HOST_CR4, BIT(5)), BE(HOST_RIP, 0x1000),
                                         BE(HOST_EFER, 0)};
    static const struct {
        struct change broken;
        const char *rule;
    } violations[] = {
        {BE(HOST_SS_SELECTOR, 0), "must not be 0 for a 32-bit host"},
        {ON(HOST_CR4, BIT(17)), "PCIDE"},
        {BE(HOST_RIP, BIT(32)), "bits 63:32"},
        {BE(HOST_EFER, BIT(8)), "LMA and LME"},
    };
    (void)state;
    simulated_msr_set(IA32_EFER, 0);
    for (size_t i = 0; i < COUNT_OF(violations); i++) {
        check_start(PROTECTED);
        check_change(host, COUNT_OF(host));
        check_passes();
        check_change(&violations[i].broken, 1);
        check_names(violations[i].broken.field, violations[i].rule);
    }
}

/* Fields that no control has the CPU load are not looked at. */
static void what_is_not_loaded(void **state)
{
    static const struct change garbage[] = {OFF(HOST_CR0, BIT(16)),
                                            ON(HOST_CR4, BIT(17)),
                                            OFF(EXIT_CONTROLS, EXIT_LOAD_PAT | EXIT_LOAD_EFER),
                                            BE(HOST_PAT, 0xff),
                                            BE(HOST_EFER, 0xff),
                                            BE(HOST_PERF_GLOBAL_CTRL, UINT64_MAX),
                                            BE(HOST_S_CET, HOLE),
                                            BE(HOST_SSP, HOLE | 3),
                                            BE(HOST_INTERRUPT_SSP_TABLE, HOLE),
                                            BE(HOST_PKRS, UINT64_MAX)};
    (void)state;
    check_start(LONG_MODE);
    check_change(garbage, COUNT_OF(garbage));
    check_passes();
}

/* Addresses are as wide as CPUID 80000008H says; CR3 may hold LAM's bits where there is LAM. */
static void widths(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    *simulated_field(VMCS_HOST_CR3) = BIT(36);
    *simulated_field(VMCS_HOST_FS_BASE) = HOLE;
    check_names(VMCS_HOST_FS_BASE, "canonical");
    simulated_leaf(0x80000008, 0)->eax = 0x3930;
    check_passes();
    check_start(LONG_MODE);
    *simulated_field(VMCS_HOST_CR3) = BIT(61) | BIT(62);
    check_names(VMCS_HOST_CR3, "physical-address width");
    simulated_leaf(7, 0)->eax = 1;
    simulated_leaf(7, 1)->eax = BIT(26);
    check_passes();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(registers),          check_test(segments), check_test(host_of_32_bits),
        check_test(what_is_not_loaded), check_test(widths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
