/* SPDX-License-Identifier: MIT */
/* Names of MSRs and ports, and rules that use them. */
#include "policy_fixture.h"

#include "../../core/x86/msr.h"
#include "../policy_bitmap.h"
#include "../policy_name.h"

#include <stdio.h>

/* The core's own header has some of them: both must say the same. */
static void as_the_core_has_them(void **unused)
{
#define KNOWN(name) \
    {               \
#name, name \
    }
    static const struct {
        const char *name;
        uint32_t number;
    } known[] = {
        KNOWN(IA32_TSC),
        KNOWN(MSR_SMI_COUNT),
        KNOWN(IA32_FEATURE_CONTROL),
        KNOWN(IA32_APIC_BASE),
        KNOWN(IA32_SPEC_CTRL),
        KNOWN(IA32_SYSENTER_CS),
        KNOWN(IA32_SYSENTER_ESP),
        KNOWN(IA32_SYSENTER_EIP),
        KNOWN(IA32_XFD),
        KNOWN(IA32_XFD_ERR),
        KNOWN(IA32_DEBUGCTL),
        KNOWN(IA32_PAT),
        KNOWN(IA32_TSC_DEADLINE),
        KNOWN(IA32_MPERF),
        KNOWN(IA32_APERF),
        KNOWN(IA32_PMC0),
        KNOWN(IA32_PERFEVTSEL0),
        KNOWN(IA32_FIXED_CTR0),
        KNOWN(IA32_PERF_CAPABILITIES),
        KNOWN(IA32_FIXED_CTR_CTRL),
        KNOWN(IA32_PERF_GLOBAL_CTRL),
        KNOWN(IA32_A_PMC0),
        KNOWN(IA32_VMX_BASIC),
        KNOWN(IA32_VMX_PINBASED_CTLS),
        KNOWN(IA32_VMX_PROCBASED_CTLS),
        KNOWN(IA32_VMX_EXIT_CTLS),
        KNOWN(IA32_VMX_ENTRY_CTLS),
        KNOWN(IA32_VMX_MISC),
        KNOWN(IA32_VMX_CR0_FIXED0),
        KNOWN(IA32_VMX_CR0_FIXED1),
        KNOWN(IA32_VMX_CR4_FIXED0),
        KNOWN(IA32_VMX_CR4_FIXED1),
        KNOWN(IA32_VMX_PROCBASED_CTLS2),
        KNOWN(IA32_VMX_EPT_VPID_CAP),
        KNOWN(IA32_VMX_TRUE_PINBASED_CTLS),
        KNOWN(IA32_VMX_TRUE_PROCBASED_CTLS),
        KNOWN(IA32_VMX_TRUE_EXIT_CTLS),
        KNOWN(IA32_VMX_TRUE_ENTRY_CTLS),
        KNOWN(IA32_XSS),
        KNOWN(IA32_EFER),
        KNOWN(IA32_STAR),
        KNOWN(IA32_LSTAR),
        KNOWN(IA32_CSTAR),
        KNOWN(IA32_FMASK),
        KNOWN(IA32_FS_BASE),
        KNOWN(IA32_GS_BASE),
        KNOWN(IA32_KERNEL_GS_BASE),
        KNOWN(IA32_TSC_AUX),
    };
    struct named_range ranges[NAME_RANGES_MAX];
    (void)unused;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (name_ranges(NUMBERS_MSR, known[i].name, ranges) != 1)
            fail_msg("%s is not one MSR", known[i].name);
        assert_int_equal(ranges[0].first, known[i].number);
        assert_int_equal(ranges[0].last, known[i].number);
    }
    assert_int_equal(name_ranges(NUMBERS_MSR, "x2apic", ranges), 1);
    assert_int_equal(ranges[0].first, X2APIC_MSR_FIRST);
    assert_int_equal(ranges[0].last, X2APIC_MSR_LAST);
    assert_int_equal(name_ranges(NUMBERS_MSR, "vmx", ranges), 1);
    assert_int_equal(ranges[0].last, IA32_VMX_LAST);
}

/* SDM volume 4 a second time, for what series make. */
static void series(void **unused)
{
    static const struct {
        const char *name;
        uint32_t number;
    } known[] = {
        {"IA32_MC0_CTL", 0x400},
        {"IA32_MC28_MISC", 0x473},
        {"IA32_MC3_ADDR", 0x40e},
        {"IA32_MC5_CTL2", 0x285},
        {"IA32_MTRR_PHYSBASE9", 0x212},
        {"IA32_MTRR_PHYSMASK9", 0x213},
        {"IA32_PMC7", 0xc8},
        {"IA32_PERFEVTSEL7", 0x18d},
        {"IA32_X2APIC_IRR7", 0x827},
        {"IA32_RTIT_ADDR3_B", 0x587},
        {"IA32_L3_QOS_MASK_127", 0xd0f},
        {"MSR_LASTBRANCH_31_TO_IP", 0x6df},
        {"IA32_SGXLEPUBKEYHASH3", 0x8f},
        {"IA32_LBR_31_FROM_IP", 0x151f},
        {"IA32_L2_QOS_MASK_63", 0xd4f},
        {"IA32_PL3_SSP", 0x6a7},
        {"MSR_LASTBRANCH_0_FROM_IP", 0x680},
    };
    struct named_range ranges[NAME_RANGES_MAX];
    (void)unused;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_int_equal(name_ranges(NUMBERS_MSR, known[i].name, ranges), 1);
        assert_int_equal(ranges[0].first, known[i].number);
    }
}

/* Every name can be in a rule, and the rule is about just its ranges. */
static bool never_passes(const struct named_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (uint32_t msr = ranges[i].first; msr <= ranges[i].last; msr++)
            if (!msr_never_passes(msr))
                return false;
    return true;
}

static void every_name_is_a_rule(void **unused)
{
    (void)unused;
    for (int space = 0; space < NUMBER_SPACES; space++) {
        size_t count;
        const char *const *names = name_list((enum number_space)space, &count);
        assert_true(count > (space == NUMBERS_MSR ? 400 : 40));
        for (size_t i = 0; i < count; i++) {
            struct named_range ranges[NAME_RANGES_MAX + 1];
            struct policy policy, expected;
            char source[128];
            size_t found = name_ranges((enum number_space)space, names[i], ranges);
            assert_in_range(found, 1, NAME_RANGES_MAX - 1); /* none is cut off */
            assert_true(strlen(names[i]) < 60 && !strpbrk(names[i], " \t#"));
            assert_false(names[i][0] >= '0' && names[i][0] <= '9');
            snprintf(source, sizeof(source), "passthrough %s %s",
                     space == NUMBERS_MSR ? "msr" : "io", names[i]);
            compile("", &expected);
            for (size_t r = 0; r < found; r++) {
                assert_true(ranges[r].first <= ranges[r].last);
                if (space == NUMBERS_MSR) {
                    assert_true(msr_has_bits(ranges[r].first) && msr_has_bits(ranges[r].last));
                    policy_set_msrs(&expected.plan, ranges[r].first, ranges[r].last, true, true,
                                    false);
                } else {
                    assert_true(ranges[r].last <= 0xffff);
                    policy_set_ports(&expected.plan, (uint16_t)ranges[r].first,
                                     (uint16_t)ranges[r].last, false);
                }
            }
            if (i % 7 && space == NUMBERS_MSR && found == 1)
                continue; /* compiling takes its time */
            if (space == NUMBERS_MSR && never_passes(ranges, found))
                continue; /* and is refused: test_policy.c */
            compile(source, &policy);
            assert_memory_equal(&policy.plan, &expected.plan, sizeof(policy.plan));
        }
    }
}

/* A name that stands for one range is that range's, or another of the same range is. */
static void names_of_ranges(void **unused)
{
    struct named_range ranges[NAME_RANGES_MAX];
    (void)unused;
    for (int space = 0; space < NUMBER_SPACES; space++) {
        size_t count;
        const char *const *names = name_list((enum number_space)space, &count);
        for (size_t i = 0; i < count; i++) {
            if (name_ranges((enum number_space)space, names[i], ranges) != 1)
                continue;
            struct named_range range = ranges[0];
            const char *name = name_of_range((enum number_space)space, range.first, range.last);
            assert_non_null(name);
            assert_int_equal(name_ranges((enum number_space)space, name, ranges), 1);
            assert_int_equal(ranges[0].first, range.first);
            assert_int_equal(ranges[0].last, range.last);
        }
    }
    assert_null(name_of_range(NUMBERS_IO, 0x20, 0x21)); /* half of pic */
    assert_string_equal(name_of_range(NUMBERS_MSR, 0x10, 0x10), "IA32_TIME_STAMP_COUNTER");
}

static void texts(void **unused)
{
    static const struct {
        enum number_space space;
        uint32_t first, last;
        const char *text;
    } cases[] = {
        {NUMBERS_MSR, 0x1b, 0x1b, "0x1b IA32_APIC_BASE"},
        {NUMBERS_MSR, 0x480, 0x481, "0x480-0x481 IA32_VMX_BASIC to IA32_VMX_PINBASED_CTLS"},
        {NUMBERS_MSR, 0x1000, 0x1001, "0x1000-0x1001"},
        {NUMBERS_MSR, 0x804, 0x804, "0x804 x2apic"},
        {NUMBERS_IO, 0x20, 0x21, "0x20-0x21 pic"},
        {NUMBERS_IO, 0x3f8, 0x3ff, "0x3f8-0x3ff com1"},
        {NUMBERS_IO, 0x7000, 0x7000, "0x7000"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *is = range_text(cases[i].space, cases[i].first, cases[i].last);
        assert_string_equal(is, cases[i].text);
        free(is);
    }
}

static void rules_by_name(void **unused)
{
    struct policy named, numbered;
    (void)unused;
    compile("default msr passthrough\ndefault io passthrough\nintercept msr ia32_efer w\n"
            "intercept msr X2APIC r\nintercept msr mtrr\nintercept io pic\nintercept io COM1",
            &named);
    compile("default msr passthrough\ndefault io passthrough\nintercept msr 0xc0000080 w\n"
            "intercept msr 0x800-0x8ff r\nintercept msr 0x200-0x213\nintercept msr 0x250\n"
            "intercept msr 0x258-0x259\nintercept msr 0x268-0x26f\nintercept msr 0x2ff\n"
            "intercept io 0x20-0x21\nintercept io 0xa0-0xa1\nintercept io 0x3f8-0x3ff",
            &numbered);
    assert_memory_equal(&named.plan, &numbered.plan, sizeof(named.plan));
    assert_string_equal(named.sha256, numbered.sha256);
}

static void wrong_names_have_hints(void **unused)
{
    static const struct refused cases[] = {
        {"intercept msr IA32_EFFER", 1, 15, "did you mean IA32_EFER"},
        {"intercept msr ia32_apic_bas", 1, 15, "did you mean IA32_APIC_BASE"},
        {"intercept msr efer", 1, 15, "did you mean IA32_EFER"},
        {"intercept msr com1", 1, 15, "not an MSR: a number N, a range N-M, or a name"},
        {"# MSRs\npassthrough io com11", 2, 16, "did you mean com1"},
        {"intercept io pci-cfg", 1, 14, "did you mean pci-config"},
        {"intercept io IA32_EFER", 1, 14, "not a port: a number N, a range N-M, or a name"},
        {"intercept io com1 r", 1, 19, "one word too many"},
        {"intercept msr IA32_EFER x", 1, 25, "r, w or rw"},
        {"intercept msr 0x10IA32_TSC", 1, 15, "not a number N or a range N-M"},
    };
    (void)unused;
    expect_refused(cases, sizeof(cases) / sizeof(cases[0]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_the_core_has_them),
        cmocka_unit_test(series),
        cmocka_unit_test(every_name_is_a_rule),
        cmocka_unit_test(names_of_ranges),
        cmocka_unit_test(texts),
        cmocka_unit_test(rules_by_name),
        cmocka_unit_test(wrong_names_have_hints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
