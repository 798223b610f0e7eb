/* SPDX-License-Identifier: MIT */
/* What the audit says of each access that passes, and what diff says of two policies. */
#include "policy_fixture.h"

#include "../policy_audit.h"
#include "../policy_bitmap.h"
#include "../policy_diff.h"

#include <stdio.h>

/* Nothing passes, so that what a test lets pass stands alone. */
static const char closed[] = "default exception intercept\n"
                             "default cr0 intercept\ndefault cr4 intercept\n"
                             "control external-interrupt-exiting on\ncontrol hlt-exiting on\n"
                             "control wbinvd-exiting on\ncontrol rdpmc-exiting on\n"
                             "control mwait-exiting on\ncontrol rdtsc-exiting on\n"
                             "control rdrand-exiting on\ncontrol rdseed-exiting where-offered\n";

static void compile_closed(const char *rules, struct policy *policy)
{
    char source[4096];
    snprintf(source, sizeof(source), "%s%s", closed, rules);
    compile(source, policy);
}

static size_t audit(const char *rules, struct audit_finding **findings)
{
    struct policy policy;
    compile_closed(rules, &policy);
    return policy_audit(&policy.plan, findings);
}

/* The held list: each passed alone is found, this bad at least, and why has these words in it. */
static void known_dangers(void **unused)
{
    static const struct {
        const char *rule;
        enum severity least;
        const char *item, *access, *why, *source;
    } held[] = {
        {"passthrough msr IA32_EFER w", SEVERITY_HIGH, "msr 0xc0000080 IA32_EFER", "w",
         "the next VM entry fails", "SDM"},
        {"passthrough msr IA32_APIC_BASE w", SEVERITY_HIGH, "msr 0x1b IA32_APIC_BASE", "w",
         "disables the host's local APIC", "Memory Sinkhole"},
        {"passthrough msr IA32_TSC w", SEVERITY_HIGH, "msr 0x10 IA32_TIME_STAMP_COUNTER", "w",
         "clock of the CPU", "SDM"},
        {"passthrough msr IA32_TSC_ADJUST w", SEVERITY_HIGH, "msr 0x3b IA32_TSC_ADJUST", "w",
         "clock of the CPU", "SDM"},
        {"passthrough msr IA32_TSC_DEADLINE w", SEVERITY_HIGH, "msr 0x6e0 IA32_TSC_DEADLINE", "w",
         "the host's timer", "SDM"},
        {"passthrough msr IA32_FEATURE_CONTROL w", SEVERITY_HIGH, "msr 0x3a IA32_FEATURE_CONTROL",
         "w", "locks VMX out", "SDM"},
        {"passthrough msr IA32_BIOS_UPDT_TRIG w", SEVERITY_CRITICAL, "msr 0x79 IA32_BIOS_UPDT_TRIG",
         "w", "microcode", "SDM"},
        {"passthrough msr IA32_SPEC_CTRL w", SEVERITY_HIGH, "msr 0x48 IA32_SPEC_CTRL", "w",
         "for the host that runs next", "CVE-2017-5715"},
        {"passthrough msr MSR_OC_MAILBOX w", SEVERITY_CRITICAL, "msr 0x150 MSR_OC_MAILBOX", "w",
         "voltage", "Plundervolt"},
        {"passthrough msr IA32_X2APIC_ICR w", SEVERITY_CRITICAL, "msr 0x830 IA32_X2APIC_ICR", "w",
         "INIT", "SDM"},
        {"passthrough msr IA32_X2APIC_SELF_IPI w", SEVERITY_HIGH, "msr 0x83f IA32_X2APIC_SELF_IPI",
         "w", "interrupt of the host", "SDM"},
        {"passthrough msr IA32_MTRR_DEF_TYPE w", SEVERITY_CRITICAL, "msr 0x2ff IA32_MTRR_DEF_TYPE",
         "w", "caching off", "SDM"},
        {"passthrough msr IA32_MC0_STATUS w", SEVERITY_HIGH, "msr 0x401 IA32_MC0_STATUS", "w",
         "memory errors", "SDM"},
        {"passthrough msr IA32_MISC_ENABLE w", SEVERITY_HIGH, "msr 0x1a0 IA32_MISC_ENABLE", "w",
         "turns off", "SDM"},
        {"passthrough msr IA32_UMWAIT_CONTROL w", SEVERITY_MEDIUM, "msr 0xe1 IA32_UMWAIT_CONTROL",
         "w", "UMWAIT", "SDM"},
        {"passthrough msr IA32_PQR_ASSOC w", SEVERITY_MEDIUM, "msr 0xc8f IA32_PQR_ASSOC", "w",
         "cache", "SDM"},
        {"passthrough msr MSR_PKG_ENERGY_STATUS r", SEVERITY_MEDIUM,
         "msr 0x611 MSR_PKG_ENERGY_STATUS", "r", "energy", "PLATYPUS"},
        {"passthrough io pci-config", SEVERITY_CRITICAL, "io 0xcfa-0xcff pci-config", "rw",
         "every PCI device", "PCI 3.0"},
        {"passthrough io 0xcf8", SEVERITY_CRITICAL, "io 0xcf8 pci-config", "rw", "every PCI device",
         "PCI 3.0"},
        {"passthrough io 0xcf9", SEVERITY_CRITICAL, "io 0xcf9 reset", "rw", "resets the machine",
         "RST_CNT"},
        {"passthrough io pic", SEVERITY_HIGH, "io 0x20-0x21 pic", "rw", "interrupts", "8259A"},
        {"passthrough io 0xa1", SEVERITY_HIGH, "io 0xa1 pic", "rw", "interrupts", "8259A"},
        {"passthrough io pit", SEVERITY_HIGH, "io 0x40-0x43 pit", "rw", "ticks", "8254"},
        {"passthrough io cmos", SEVERITY_HIGH, "io 0x70-0x71 cmos", "rw", "NMIs", "MC146818"},
        {"passthrough io 0x604", SEVERITY_CRITICAL, "io 0x604 qemu-power-off", "rw",
         "powers the machine off", "ACPI"},
        {"passthrough io 0xb004", SEVERITY_CRITICAL, "io 0xb004 acpi-pm", "rw",
         "powers the machine off", "ACPI"},
        {"passthrough io smi", SEVERITY_CRITICAL, "io 0xb2-0xb3 smi", "rw", "SMIs", "SMI handlers"},
        {"passthrough io keyboard", SEVERITY_HIGH, "io 0x64 keyboard", "rw", "resets the machine",
         "8042"},
        {"passthrough exception ac", SEVERITY_HIGH, "exception ac", "", "for ever",
         "CVE-2015-5307"},
        {"passthrough cr4 6", SEVERITY_HIGH, "cr4 6 MCE", "w", "machine check", "SDM"},
        {"control external-interrupt-exiting off", SEVERITY_HIGH,
         "control external-interrupt-exiting off", "", "host's interrupts", "SDM"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        struct audit_finding *findings, *found = NULL;
        size_t count = audit(held[i].rule, &findings);
        for (size_t f = 0; f < count && !found; f++)
            if (strcmp(findings[f].item, held[i].item) == 0)
                found = &findings[f];
        if (!found)
            fail_msg("'%s': nothing about %s", held[i].rule, held[i].item);
        if (found->severity < held[i].least || strcmp(found->access, held[i].access) != 0 ||
            !strstr(found->what, held[i].why) || !strstr(found->source, held[i].source))
            fail_msg("'%s' gives %s %s %s: %s [%s]", held[i].rule, severity_names[found->severity],
                     found->item, found->access, found->what, found->source);
        audit_free(findings, count);
    }
}

static void nothing_passes_nothing_is_found(void **unused)
{
    struct audit_finding *findings;
    (void)unused;
    assert_int_equal(audit("", &findings), 0);
    audit_free(findings, 0);
}

/* One finding, of this severity. */
static void expect_one(const char *rules, enum severity severity, const char *item,
                       const char *access)
{
    struct audit_finding *findings;
    size_t count = audit(rules, &findings);
    if (count != 1)
        fail_msg("'%s': %zu findings, the first %s", rules, count, count ? findings[0].item : "");
    assert_string_equal(findings[0].item, item);
    assert_string_equal(findings[0].access, access);
    assert_int_equal(findings[0].severity, severity);
    audit_free(findings, count);
}

static void harmless_and_unknown(void **unused)
{
    (void)unused;
    expect_one("passthrough msr IA32_KERNEL_GS_BASE", SEVERITY_INFO,
               "msr 0xc0000102 IA32_KERNEL_GS_BASE", "rw");
    expect_one("passthrough msr IA32_TSC r", SEVERITY_INFO, "msr 0x10 IA32_TIME_STAMP_COUNTER",
               "r");
    expect_one("passthrough io post", SEVERITY_LOW, "io 0x80 post", "rw");
    expect_one("passthrough msr 0x1800-0x1801", SEVERITY_MEDIUM, "msr 0x1800-0x1801", "rw");
    expect_one("passthrough msr 0xc0001fff w", SEVERITY_MEDIUM, "msr 0xc0001fff", "w");
    expect_one("passthrough io 0xffff", SEVERITY_HIGH, "io 0xffff", "rw");
    expect_one("passthrough cr0 16", SEVERITY_INFO, "cr0 16 WP", "w");
    expect_one("passthrough cr4 20-21", SEVERITY_INFO, "cr4 20-21", "w");
    expect_one("passthrough cr4 6", SEVERITY_HIGH, "cr4 6 MCE", "w");
    expect_one("passthrough cr4 26", SEVERITY_INFO, "cr4 26", "w");
    expect_one("passthrough cr0 3\npassthrough cr0 5\npassthrough cr0 29-30\n"
               "passthrough cr4 13-14", /* all but TS exit whatever the policy says */
               SEVERITY_INFO, "cr0 3 TS", "w");
    expect_one("control wbinvd-exiting off", SEVERITY_MEDIUM, "control wbinvd-exiting off", "");
}

/* What the CPU answers from the virtual-APIC page is no access to the APIC. */
static void virtual_registers_do_not_count(void **unused)
{
    static const char on[] = "control virtualize-x2apic on\n";
    struct audit_finding *findings;
    char rules[512];
    (void)unused;
    snprintf(rules, sizeof(rules), "%spassthrough msr IA32_X2APIC_TPR", on);
    assert_int_equal(audit(rules, &findings), 0);
    audit_free(findings, 0);
    snprintf(rules, sizeof(rules), "%spassthrough msr IA32_X2APIC_EOI w", on);
    expect_one(rules, SEVERITY_HIGH, "msr 0x80b IA32_X2APIC_EOI", "w");
    snprintf(rules, sizeof(rules), "%spassthrough msr IA32_X2APIC_APICID r", on);
    expect_one(rules, SEVERITY_LOW, "msr 0x802 IA32_X2APIC_APICID", "r");
    snprintf(rules, sizeof(rules),
             "%scontrol apic-register-virtualization on\ncontrol virtual-interrupt-delivery on\n"
             "passthrough msr x2apic r\npassthrough msr IA32_X2APIC_EOI w\n"
             "passthrough msr IA32_X2APIC_SELF_IPI w",
             on);
    assert_int_equal(audit(rules, &findings), 0);
    audit_free(findings, 0);
    /* Where it is only wanted, it may be missing. */
    expect_one("control virtualize-x2apic where-offered\npassthrough msr IA32_X2APIC_TPR w",
               SEVERITY_HIGH, "msr 0x808 IA32_X2APIC_TPR", "w");
}

/* What the CPU writes to memory by cannot be passed, and the audit says which that is. */
static void what_never_passes(void **unused)
{
    struct audit_finding *findings;
    uint32_t found = 0;
    (void)unused;
    size_t count = audit("default msr passthrough", &findings);
    for (size_t i = 0; i < count; i++) {
        unsigned first, last;
        int parts = sscanf(findings[i].item, "msr %x-%x", &first, &last);
        for (unsigned msr = first; parts > 0 && msr <= (parts == 2 ? last : first); msr++)
            assert_false(msr_never_passes(msr));
    }
    audit_free(findings, count);
    for (size_t i = 0; i < audit_never_count; i++) {
        assert_non_null(strstr(audit_never[i].source, "SDM"));
        for (uint32_t msr = audit_never[i].first; msr <= audit_never[i].last; msr++, found++)
            assert_true(msr_never_passes(msr));
    }
    assert_int_equal(found, 1 + 2 + 0x28 + 1 + 2 + 0x100);
}

/* Each bit that passes is in a finding: random ranges, and every access of them is looked up. */
static void nothing_is_left_out(void **unused)
{
    uint64_t state = 5;
    (void)unused;
    for (int round = 0; round < 150; round++) {
        bool msr = random_below(&state, 2), high = random_below(&state, 2);
        uint32_t base = msr && high ? 0xc0000000u : 0;
        uint32_t first = base + random_below(&state, msr ? 0x1f00 : 0xff00);
        uint32_t last = first + random_below(&state, 0x100), covered = 0;
        struct audit_finding *findings;
        char rules[64];
        snprintf(rules, sizeof(rules), "passthrough %s 0x%x-0x%x", msr ? "msr" : "io", first, last);
        if (msr && msr_never_passes(first) && msr_never_passes(last))
            continue; /* refused as a whole, perhaps */
        size_t count = audit(rules, &findings);
        for (uint32_t number = first; number <= last; number++) {
            unsigned access = 0;
            for (size_t i = 0; i < count; i++) {
                unsigned from, to;
                int parts = sscanf(findings[i].item, msr ? "msr %x-%x" : "io %x-%x", &from, &to);
                assert_true(parts >= 1);
                if (from <= number && number <= (parts == 2 ? to : from))
                    access |= (strchr(findings[i].access, 'r') ? 1 : 0) |
                              (strchr(findings[i].access, 'w') ? 2 : 0);
            }
            covered += (access == 3) != (msr && msr_never_passes(number));
        }
        assert_int_equal(covered, last - first + 1);
        for (size_t i = 1; i < count; i++)
            assert_true(findings[i].severity <= findings[i - 1].severity);
        audit_free(findings, count);
    }
}

static json_t *diff(const char *a, const char *b)
{
    struct policy one, other;
    compile_closed(a, &one);
    compile_closed(b, &other);
    strcpy(one.plan.name, "one");
    strcpy(other.plan.name, "other");
    return policy_diff(&one, &other);
}

static void differences(void **unused)
{
    static const char expected[] =
        "{\"schema\": \"exitmeter.policy-diff/1\", \"a\": \"one\", \"b\": \"other\", "
        "\"same\": false, \"passes\": ["
        "{\"what\": \"msr\", \"first\": 16, \"last\": 16, \"access\": \"r\", \"in\": \"a\", "
        "\"name\": \"IA32_TIME_STAMP_COUNTER\"}, "
        "{\"what\": \"msr\", \"first\": 2048, \"last\": 2303, \"access\": \"rw\", \"in\": \"b\", "
        "\"name\": \"x2apic\"}, "
        "{\"what\": \"io\", \"first\": 32, \"last\": 33, \"access\": \"rw\", \"in\": \"b\", "
        "\"name\": null}, "
        "{\"what\": \"exception\", \"first\": 14, \"last\": 14, \"access\": \"\", \"in\": \"a\", "
        "\"name\": \"pf\"}, "
        "{\"what\": \"cr4\", \"first\": 20, \"last\": 20, \"access\": \"w\", \"in\": \"a\", "
        "\"name\": \"SMEP\"}, "
        "{\"what\": \"cr0\", \"first\": 16, \"last\": 16, \"access\": \"w\", \"in\": \"b\", "
        "\"name\": \"WP\"}, "
        "{\"what\": \"cr0\", \"first\": 17, \"last\": 17, \"access\": \"w\", \"in\": \"b\", "
        "\"name\": null}], "
        "\"rules\": [{\"rule\": \"control hlt-exiting on\", \"in\": \"a\"}, "
        "{\"rule\": \"control rdseed-exiting where-offered\", \"in\": \"a\"}, "
        "{\"rule\": \"control hlt-exiting off\", \"in\": \"b\"}, "
        "{\"rule\": \"control rdseed-exiting on\", \"in\": \"b\"}, "
        "{\"rule\": \"hide cpuid mce\", \"in\": \"b\"}, "
        "{\"rule\": \"probes off\", \"in\": \"b\"}]}";
    (void)unused;
    json_t *is = diff("passthrough msr 0x10 r\npassthrough io 0x30\npassthrough exception pf\n"
                      "passthrough cr4 20",
                      "passthrough msr x2apic\npassthrough io 0x30\npassthrough io 0x20-0x21\n"
                      "control hlt-exiting off\nhide cpuid mce\nprobes off\n"
                      "passthrough cr0 16-17\ncontrol rdseed-exiting on");
    char *text = json_dumps(is, JSON_PRESERVE_ORDER);
    assert_string_equal(text, expected);
    free(text);
    json_decref(is);
}

/* Order and layout are no difference, nor is the order of what is hidden. */
static void no_difference(void **unused)
{
    (void)unused;
    json_t *is = diff("passthrough io pic\nhide cpuid mce\nhide cpuid smep",
                      "hide cpuid smep\nhide cpuid mce\npassthrough io 0xa0-0xa1\n"
                      "passthrough io 0x20-0x21");
    assert_true(json_is_true(json_object_get(is, "same")));
    assert_int_equal(json_array_size(json_object_get(is, "passes")), 0);
    assert_int_equal(json_array_size(json_object_get(is, "rules")), 0);
    json_decref(is);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_dangers),        cmocka_unit_test(nothing_passes_nothing_is_found),
        cmocka_unit_test(harmless_and_unknown), cmocka_unit_test(virtual_registers_do_not_count),
        cmocka_unit_test(nothing_is_left_out),  cmocka_unit_test(what_never_passes),
        cmocka_unit_test(differences),          cmocka_unit_test(no_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
