/* SPDX-License-Identifier: MIT */
/* What rules make of a policy: controls, answers, exceptions, masks, what CPUID hides. */
#include "policy_fixture.h"

#include "../../probes/record.h"
#include "../policy_bitmap.h"

#include <stdio.h>

static void controls_and_probes(void **unused)
{
    struct policy policy;
    (void)unused;
    compile("control hlt-exiting on\nprobes counts", &policy);
    assert_int_equal(policy.plan.primary.set, 0x80);
    assert_int_equal(policy.plan.primary.clear, 0);
    assert_int_equal(policy.probe_level, PROBE_COUNTS);
    compile("control hlt-exiting on\ncontrol hlt-exiting off\nprobes off", &policy);
    assert_int_equal(policy.plan.primary.set, 0);
    assert_int_equal(policy.plan.primary.clear, 0x80);
    assert_int_equal(policy.probe_level, PROBE_OFF);
}

/* Answers of a port and of two MSRs: f orwarded, e mulated, r efused. */
static void answers(void **unused)
{
    static const struct {
        const char *source, *io_80, *tsc, *efer;
    } cases[] = {
        {"", "f", "f", "f"},
        {"default io intercept\ndefault msr intercept", "f", "f", "f"},
        {"unclaimed io forward", "f", "f", "f"},
        {"unclaimed io ones", "e", "f", "f"},
        {"unclaimed io ones\ndefault io passthrough", "e", "f", "f"},
        {"unclaimed io ones\nunclaimed io forward", "f", "f", "f"},
        {"unclaimed io ones\nforward io post", "f", "f", "f"},
        {"emulate io 0x7f-0x81", "e", "f", "f"},
        {"emulate io 0x81", "f", "f", "f"},
        {"emulate msr IA32_TSC\nrefuse msr 0xc0000000-0xc0001fff", "f", "e", "r"},
        {"refuse msr IA32_TSC\nemulate msr 0x0-0x1fff", "f", "e", "f"},
        {"emulate msr 0x0-0x1fff\nrefuse msr IA32_TSC\nrefuse msr IA32_EFER", "f", "r", "r"},
        {"refuse msr IA32_EFER\nemulate msr IA32_TSC\nforward msr 0-0xffffffff", "f", "f", "f"},
    };
    static const char letters[] = "fer";
    struct policy policy, none;
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        compile(cases[i].source, &policy);
        assert_int_equal(letters[policy_port_answer(&policy.plan, 0x80)], *cases[i].io_80);
        assert_int_equal(letters[policy_msr_answer(&policy.plan, 0x10)], *cases[i].tsc);
        assert_int_equal(letters[policy_msr_answer(&policy.plan, 0xc0000080)], *cases[i].efer);
    }
    /* Where the core looks for them, and nothing else changes. */
    compile("", &none);
    compile("emulate io 0x3f9\nemulate msr 0x12\nrefuse msr 0xc0000013", &policy);
    assert_string_not_equal(policy.sha256, none.sha256);
    none.plan.port_emulated[0x3f8 / 8] = 1 << 1;
    none.plan.msr_answers[2] = 1 << 2;
    none.plan.msr_answers[2048 + 1024 + 2] = 1 << 3;
    assert_memory_equal(&policy.plan, &none.plan, sizeof(none.plan));
}

/* The bits of SDM volume 3C, tables 25-5 to 25-7, a second time. */
static void every_control_has_its_bit(void **unused)
{
    static const struct {
        const char *name;
        size_t group;
        unsigned bit;
    } controls[] = {
#define PIN(name, bit) {name, offsetof(struct plan_policy, pin_based), bit}
#define PRIMARY(name, bit)                               \
    {                                                    \
        name, offsetof(struct plan_policy, primary), bit \
    }
#define SECONDARY(name, bit)                               \
    {                                                      \
        name, offsetof(struct plan_policy, secondary), bit \
    }
        PIN("external-interrupt-exiting", 0),
        PIN("nmi-exiting", 3),
        PRIMARY("hlt-exiting", 7),
        PRIMARY("invlpg-exiting", 9),
        PRIMARY("mwait-exiting", 10),
        PRIMARY("rdpmc-exiting", 11),
        PRIMARY("rdtsc-exiting", 12),
        PRIMARY("cr3-load-exiting", 15),
        PRIMARY("cr3-store-exiting", 16),
        PRIMARY("cr8-load-exiting", 19),
        PRIMARY("cr8-store-exiting", 20),
        PRIMARY("mov-dr-exiting", 23),
        PRIMARY("monitor-exiting", 29),
        PRIMARY("pause-exiting", 30),
        SECONDARY("descriptor-table-exiting", 2),
        SECONDARY("rdtscp", 3),
        SECONDARY("vpid", 5),
        SECONDARY("wbinvd-exiting", 6),
        SECONDARY("unrestricted-guest", 7),
        SECONDARY("rdrand-exiting", 11),
        SECONDARY("invpcid", 12),
        SECONDARY("rdseed-exiting", 16),
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(controls) / sizeof(controls[0]); i++) {
        char source[64];
        struct policy on, off, none;
        compile("", &none);
        snprintf(source, sizeof(source), "control %s on", controls[i].name);
        compile(source, &on);
        snprintf(source, sizeof(source), "control %s off", controls[i].name);
        compile(source, &off);
        struct plan_controls *group = (void *)((char *)&none.plan + controls[i].group);
        group->set = 1u << controls[i].bit;
        assert_memory_equal(&on.plan, &none.plan, sizeof(none.plan));
        group->set = 0;
        group->clear = 1u << controls[i].bit;
        assert_memory_equal(&off.plan, &none.plan, sizeof(none.plan));
    }
}

/* What would make the CPU use memory or fields that no policy gives it. */
static void controls_that_need_more_are_not_to_be_had(void **unused)
{
    static const char *const names[] = {
        "ept",         "posted-interrupts", "page-modification-log", "secondary",
        "ia32e-guest", "exiting",           "host-64-bit",           "-exiting",
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char source[64];
        struct policy policy;
        struct policy_error error;
        snprintf(source, sizeof(source), "control %s on", names[i]);
        assert_int_equal(policy_compile("test", source, strlen(source), &policy, &error), -1);
        assert_int_equal(error.column, 9);
        free(error.message);
    }
}

static void exceptions(void **unused)
{
    static const struct {
        const char *source;
        uint32_t bitmap;
    } cases[] = {
        {"", 0},
        {"default exception intercept", 0xfffbfffb}, /* not 2 and 18, which exit always */
        {"default exception intercept\ndefault exception passthrough", 0},
        {"intercept exception ud", 1u << 6},
        {"intercept exception 6", 1u << 6},
        {"intercept exception 0-31", 0xfffbfffb},
        {"intercept exception nmi\nintercept exception mc", 0},
        {"default exception intercept\npassthrough exception 3-14", 0xfffb8003},
        {"default exception intercept\npassthrough exception pf", 0xfffbbffb},
        {"intercept exception de\nintercept exception cp", 1u << 21 | 1u << 0},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy policy;
        compile(cases[i].source, &policy);
        if (policy.plan.exception_bitmap != cases[i].bitmap)
            fail_msg("'%s' gives 0x%x", cases[i].source, policy.plan.exception_bitmap);
        for (unsigned vector = 0; vector < 32; vector++)
            assert_int_equal(policy_exception_exits(&policy.plan, vector),
                             vector == 2 || vector == 18 || cases[i].bitmap >> vector & 1);
    }
}

static void masks(void **unused)
{
    static const struct {
        const char *source;
        uint32_t cr0, cr4;
    } cases[] = {
        {"", 0, 0},
        {"default cr0 intercept", UINT32_MAX, 0},
        {"default cr4 intercept\ndefault cr4 passthrough", 0, 0},
        {"intercept cr0 3\nintercept cr0 16", 0x10008, 0},
        {"default cr4 intercept\npassthrough cr4 7-31", 0, 0x7f},
        {"intercept cr0 0-31\nintercept cr4 31", UINT32_MAX, 0x80000000},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy policy;
        compile(cases[i].source, &policy);
        assert_int_equal(policy.plan.cr0_mask, cases[i].cr0);
        assert_int_equal(policy.plan.cr4_mask, cases[i].cr4);
    }
}

/* SDM volume 3A, table 6-1, a second time. */
static void exceptions_by_name(void **unused)
{
    static const char *const names[32] = {
        "de", "db", NULL, "bp", "of", "br", "ud", "nm", "df", NULL, "ts",
        "np", "ss", "gp", "pf", NULL, "mf", "ac", NULL, "xm", "ve", "cp",
    };
    (void)unused;
    for (unsigned vector = 0; vector < 32; vector++) {
        char source[64];
        struct policy policy;
        if (!names[vector])
            continue;
        snprintf(source, sizeof(source), "intercept exception %s", names[vector]);
        compile(source, &policy);
        assert_int_equal(policy.plan.exception_bitmap, 1u << vector);
    }
}

static void hash_is_of_what_it_does(void **unused)
{
    struct policy one, other;
    (void)unused;
    compile("default io passthrough", &one);
    compile("# the same\ndefault  io passthrough\nintercept msr 5", &other);
    assert_string_equal(one.sha256, other.sha256);
    compile("default io passthrough\npassthrough msr 5 w", &other);
    assert_string_not_equal(one.sha256, other.sha256);
}

static void expect_hidden(const struct plan_cpuid_hidden *is, uint32_t leaf, uint32_t subleaf,
                          uint32_t output, uint32_t bits)
{
    assert_int_equal(is->leaf, leaf);
    assert_int_equal(is->subleaf, subleaf);
    assert_int_equal(is->output, output);
    assert_int_equal(is->bits, bits);
}

static void what_is_hidden(void **unused)
{
    struct policy policy;
    char source[1024] = "";
    (void)unused;
    compile("hide cpuid mce\nhide cpuid smep\nhide cpuid 1 edx 9-12\nhide cpuid 0xd:1 eax 31\n"
            "hide cpuid 4 ebx 0-31\nhide cpuid rdtscp",
            &policy);
    expect_hidden(&policy.plan.cpuid[0], 1, PLAN_ANY_SUBLEAF, 3, 1u << 7 | 0xfu << 9);
    expect_hidden(&policy.plan.cpuid[1], 7, 0, 1, 1u << 7);
    expect_hidden(&policy.plan.cpuid[2], 0xd, 1, 0, 1u << 31);
    expect_hidden(&policy.plan.cpuid[3], 4, PLAN_ANY_SUBLEAF, 1, UINT32_MAX);
    expect_hidden(&policy.plan.cpuid[4], 0x80000001, PLAN_ANY_SUBLEAF, 3, 1u << 27);
    expect_hidden(&policy.plan.cpuid[5], 0, 0, 0, 0);
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        sprintf(source + strlen(source), "hide cpuid %u eax 3\n", i);
    compile(source, &policy);
    struct policy_error error;
    strcat(source, "hide cpuid 0 eax 4\nhide cpuid 99 eax 3\n");
    assert_int_equal(policy_compile("test", source, strlen(source), &policy, &error), -1);
    assert_int_equal(error.line, PLAN_CPUID_HIDDEN + 2);
    assert_non_null(strstr(error.message, "at most 16 outputs"));
    free(error.message);
}

static void an_intercept_where_there_is_no_bit_is_redundant(void **unused)
{
    struct policy with, without;
    (void)unused;
    compile("default msr passthrough\nintercept msr 0x2000-0x3000", &with);
    compile("default msr passthrough", &without);
    assert_memory_equal(with.plan.msr_bitmap, without.plan.msr_bitmap, 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(controls_and_probes),
        cmocka_unit_test(answers),
        cmocka_unit_test(every_control_has_its_bit),
        cmocka_unit_test(controls_that_need_more_are_not_to_be_had),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(masks),
        cmocka_unit_test(exceptions_by_name),
        cmocka_unit_test(hash_is_of_what_it_does),
        cmocka_unit_test(what_is_hidden),
        cmocka_unit_test(an_intercept_where_there_is_no_bit_is_redundant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
