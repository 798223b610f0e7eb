/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../../probes/record.h"
#include "../policy.h"
#include "../policy_bitmap.h"
#include "../row_exits.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The naive model: what exits, one flag an access, with no bitmaps. */
static bool model_msr[2][2][0x2000]; /* [write][high][index] */
static bool model_port[0x10000];

/* What exits whatever is said: reads and writes of these. */
static const struct {
    uint32_t first, last;
} model_never[] = {{0x3f1, 0x3f1}, {0x3f4, 0x3f5},   {0x560, 0x587},
                   {0x600, 0x600}, {0x17d0, 0x17d1}, {0x1900, 0x19ff}};

static bool model_may_pass(bool high, uint32_t msr)
{
    for (size_t i = 0; i < sizeof(model_never) / sizeof(model_never[0]); i++)
        if (!high && msr >= model_never[i].first && msr <= model_never[i].last)
            return false;
    return true;
}

static void model_default(bool intercept)
{
    for (int write = 0; write < 2; write++)
        for (int high = 0; high < 2; high++)
            for (uint32_t msr = 0; msr < 0x2000; msr++)
                model_msr[write][high][msr] = intercept || !model_may_pass(high, msr);
}

static void compile(const char *source, struct policy *policy)
{
    struct policy_error error;
    if (policy_compile("test", source, strlen(source), policy, &error) < 0)
        fail_msg("%u:%u: %s in\n%s", error.line, error.column, error.message, source);
}

static void compare_every_bit(const struct policy *policy)
{
    for (int write = 0; write < 2; write++)
        for (int high = 0; high < 2; high++)
            for (uint32_t msr = 0; msr < 0x2000; msr++) {
                bool exits = model_msr[write][high][msr];
                uint32_t byte = (uint32_t)write * 2048 + (uint32_t)high * 1024 + msr / 8;
                assert_int_equal(policy->plan.msr_bitmap[byte] >> msr % 8 & 1, exits);
                assert_int_equal(
                    policy_msr_exits(&policy->plan, (high ? 0xc0000000u : 0) + msr, write), exits);
            }
    for (uint32_t port = 0; port < 0x10000; port++) {
        const uint8_t *bitmap = port < 0x8000 ? policy->plan.io_bitmap_a : policy->plan.io_bitmap_b;
        assert_int_equal(bitmap[(port & 0x7fff) / 8] >> port % 8 & 1, model_port[port]);
    }
}

/* Appends a random rule to source and carries it out on the model. */
static void random_rule(uint64_t *state, FILE *source)
{
    bool intercept = random_below(state, 2), high = random_below(state, 2);
    const char *action = intercept ? "intercept" : "passthrough";
    if (random_below(state, 3) == 0) {
        uint32_t first = random_below(state, 0x10000);
        uint32_t last = first + random_below(state, 0x10000 - first);
        fprintf(source, "%s io %u-0x%x # comment\n", action, first, last);
        for (uint32_t port = first; port <= last; port++)
            model_port[port] = intercept;
        return;
    }
    static const char *const accesses[] = {"", "r", "w", "rw"};
    uint32_t access = random_below(state, 4), first = random_below(state, 0x2000);
    uint32_t last = first + random_below(state, 0x2000 - first), base = high ? 0xc0000000u : 0;
    fprintf(source, "\t%s  msr 0x%x-0x%x %s\n\n", action, base + first, base + last,
            accesses[access]);
    for (uint32_t msr = first; msr <= last; msr++) {
        bool exits = intercept || !model_may_pass(high, msr);
        if (access != 2)
            model_msr[0][high][msr] = exits;
        if (access != 1)
            model_msr[1][high][msr] = exits;
    }
}

static void random_rules_against_a_model(void **unused)
{
    uint64_t state = 1;
    (void)unused;
    for (int round = 0; round < 40; round++) {
        char *text;
        size_t size;
        struct policy policy;
        FILE *source = open_memstream(&text, &size);
        bool msr = random_below(&state, 2), io = random_below(&state, 2);
        model_default(msr);
        memset(model_port, io, sizeof(model_port));
        fprintf(source, "default msr %s\ndefault io %s\n", msr ? "intercept" : "passthrough",
                io ? "intercept" : "passthrough");
        for (uint32_t rules = random_below(&state, 12); rules > 0; rules--)
            random_rule(&state, source);
        fclose(source);
        compile(text, &policy);
        compare_every_bit(&policy);
        free(text);
    }
}

static void nothing_said_is_everything_intercepted(void **unused)
{
    struct policy policy;
    (void)unused;
    memset(model_msr, true, sizeof(model_msr));
    memset(model_port, true, sizeof(model_port));
    compile("", &policy);
    compare_every_bit(&policy);
    assert_int_equal(policy.probe_level, PROBE_FULL);
    assert_int_equal(policy.plan.primary.set | policy.plan.primary.clear, 0);
}

/* By name, number and range, of which nothing is left, it is an error; of others it is left out. */
static void what_never_passes(void **unused)
{
    struct policy policy, other;
    (void)unused;
    model_default(false);
    memset(model_port, true, sizeof(model_port));
    compile("default msr passthrough", &policy);
    compare_every_bit(&policy);
    compile("passthrough msr 0x0-0x1fff\npassthrough msr 0xc0000000-0xc0001fff rw", &policy);
    compare_every_bit(&policy);
    compile("passthrough msr pmu r\npassthrough msr pmu w", &policy);
    compile("passthrough msr pmu", &other);
    assert_memory_equal(&policy.plan, &other.plan, sizeof(policy.plan));
    assert_true(policy_msr_exits(&policy.plan, 0x3f1, false));
    assert_false(policy_msr_exits(&policy.plan, 0x38f, true));
}

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

static const struct controls_in_force controls = {
    .pin_based = 1u << 3, .primary = 1u << 7, .secondary = 1u << 1};

static void predictions(void **unused)
{
    struct policy policy;
    (void)unused;
    compile("default msr passthrough\ndefault io passthrough\nintercept msr 0x10 r\n"
            "intercept io 0x82\nintercept io 0x8000\nintercept exception bp\n"
            "intercept cr0 3\nintercept cr4 7",
            &policy);
    const struct row_exit cases[][2] = {
        /* taken, not taken */
        {{.gate = GATE_ALWAYS}, {.gate = GATE_MSR_WRITE, .index = 0x10}},
        {{.gate = GATE_MSR_READ, .index = 0x10}, {.gate = GATE_MSR_READ, .index = 0x11}},
        {{.gate = GATE_MSR_WRITE, .index = 0x4000}, /* has no bit */
         {.gate = GATE_MSR_WRITE, .index = 0x1fff}},
        {{.gate = GATE_MSR_READ, .index = 0xc0002000},
         {.gate = GATE_MSR_READ, .index = 0xc0001fff}},
        {{.gate = GATE_IO, .index = 0x82, .width = 1},
         {.gate = GATE_IO, .index = 0x80, .width = 2}},
        {{.gate = GATE_IO, .index = 0x80, .width = 4}, /* touches 0x82 */
         {.gate = GATE_IO, .index = 0x7ffe, .width = 2}},
        {{.gate = GATE_IO, .index = 0x7fff, .width = 2}, /* across the bitmaps */
         {.gate = GATE_IO, .index = 0xfffe, .width = 2}},
        {{.gate = GATE_IO, .index = 0xffff, .width = 2}, /* wraps */
         {.gate = GATE_IO, .index = 0x8001, .width = 2}},
        {{.gate = GATE_EXCEPTION, .index = 3}, {.gate = GATE_EXCEPTION, .index = 6}},
        {{.gate = GATE_CR0, .index = 1u << 3}, {.gate = GATE_CR0, .index = 1u << 7}},
        {{.gate = GATE_CR4, .index = 1u << 7}, {.gate = GATE_CR4, .index = 1u << 3}},
        {{.when_on = {PRIMARY_CONTROL_HLT_EXITING}}, {.when_on = {PRIMARY_CONTROL_MOV_DR_EXITING}}},
        {{.when_on = {PIN_BASED_CONTROL_NMI_EXITING, SECONDARY_CONTROL_EPT}},
         {.when_on = {PIN_BASED_CONTROL_NMI_EXITING, SECONDARY_CONTROL_VPID}}},
        {{.when_off = {SECONDARY_CONTROL_VPID}}, {.when_off = {PRIMARY_CONTROL_HLT_EXITING}}},
        {{.when_on = {SECONDARY_CONTROL_EPT}, .when_off = {SECONDARY_CONTROL_VPID}},
         {.when_on = {SECONDARY_CONTROL_EPT}, .gate = GATE_EXCEPTION, .index = 6}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (int not = 0; not < 2; not ++)
            if (row_exit_taken(&cases[i][not ], &policy.plan, &controls) != !not )
                fail_msg("case %zu, %s", i, not ? "not taken" : "taken");
}

static void what_an_operation_takes(void **unused)
{
    struct policy policy;
    const struct blob_row row = {
        .exits = {{.reason = 32, .times = 2, .gate = GATE_MSR_WRITE, .index = 0x10},
                  {.reason = 12, .times = 1, .when_on = {PRIMARY_CONTROL_HLT_EXITING}},
                  {.reason = 32, .times = 3}}};
    (void)unused;
    compile("default msr passthrough", &policy);
    assert_int_equal(row_exits(&row, &policy.plan, &controls), 4);
    assert_int_equal(row_exits_of(&row, 32, &policy.plan, &controls), 3);
    assert_int_equal(row_exits_of(&row, 12, &policy.plan, &controls), 1);
    assert_int_equal(row_exits_of(&row, 10, &policy.plan, &controls), 0);
    assert_int_equal(row_exits_most(&row), 6);
    assert_true(row_expects(&row, 12) && !row_expects(&row, 1));
    assert_string_equal(row_control_name(PRIMARY_CONTROL_HLT_EXITING), "HLT exiting");
    assert_null(row_control_name(ROW_CONTROL_NONE));
    assert_null(row_control_name(ROW_CONTROLS));
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

static void errors_have_places(void **unused)
{
    static const struct {
        const char *source;
        unsigned line, column;
        const char *word; /* in the message */
    } cases[] = {
        {"intercpet msr 1", 1, 1, "did you mean intercept"},
        {"default msr intercept\n\n  frob", 3, 3, "'frob'"},
        {"default mrs intercept", 1, 9, "did you mean msr"},
        {"default msr passthru", 1, 13, "passthrough"},
        {"default msr", 1, 12, "line ends"},
        {"default msr intercept now", 1, 23, "one word too many"},
        {"intercept msr", 1, 14, "line ends"},
        {"intercept msr x", 1, 15, "'x'"},
        {"intercept msr 5-", 1, 15, "'5-'"},
        {"intercept msr 9-5", 1, 15, "backwards"},
        {"intercept msr 0x100000000", 1, 15, "beyond"},
        {"intercept msr 99999999999999999999", 1, 15, "not a number"},
        {"intercept io 0x10000", 1, 14, "beyond"},
        {"intercept io 1 r", 1, 16, "one word too many"},
        {"intercept msr 1 rx", 1, 17, "r, w or rw"},
        {"intercept msr -1", 1, 15, "'-1'"},
        {"passthrough msr 0x2000", 1, 17, "exit under every policy"},
        {"passthrough msr 0x1fff-0x2000", 1, 17, "exit under every policy"},
        {"passthrough msr 0-0xc0001fff", 1, 17, "exit under every policy"},
        {"passthrough msr IA32_DS_AREA w", 1, 17, "by IA32_DS_AREA the CPU writes to memory"},
        {"passthrough msr IA32_PEBS_ENABLE", 1, 17, "exits under every policy"},
        {"passthrough msr rtit", 1, 17, "by rtit the CPU writes to memory"},
        {"passthrough msr 0x1900-0x19ff r", 1, 17, "exits under every policy"},
        {"control htl-exiting on", 1, 9, "did you mean hlt-exiting"},
        {"control hlt-exiting maybe", 1, 21, "on, off or where-offered"},
        {"probes al", 1, 8, "off, counts"},
        {"hide cpiud mce", 1, 6, "did you mean cpuid"},
        {"hide cpuid", 1, 11, "line ends"},
        {"hide cpuid mec", 1, 12, "did you mean mce"},
        {"hide cpuid mce 1", 1, 16, "one word too many"},
        {"hide cpuid 1:", 1, 12, "no leaf"},
        {"hide cpuid 1:0xffffffff eax 1", 1, 12, "no leaf"},
        {"hide cpuid 0x100000000 eax 1", 1, 12, "no leaf"},
        {"hide cpuid 7:0", 1, 15, "line ends"},
        {"hide cpuid 7:0 efx 1", 1, 16, "eax, ebx, ecx or edx"},
        {"hide cpuid 7:0 ebx 32", 1, 20, "beyond"},
        {"hide cpuid 7:0 ebx 1 2", 1, 22, "one word too many"},
        {"unclaimed", 1, 10, "line ends"},
        {"unclaimed msr ones", 1, 11, "'msr' is not io"},
        {"unclaimed io", 1, 13, "line ends"},
        {"unclaimed io one", 1, 14, "did you mean ones"},
        {"unclaimed io ones now", 1, 19, "one word too many"},
        {"emulate", 1, 8, "line ends"},
        {"emulate exception ud", 1, 9, "msr or io"},
        {"refuse io 0x80", 1, 8, "'io' is not msr"},
        {"forward msr", 1, 12, "line ends"},
        {"emulate msr 0x10 r", 1, 18, "one word too many"},
        {"emulate msr 0x2000", 1, 13, "forwarded under every policy"},
        {"refuse msr 0-0xffffffff", 1, 12, "forwarded under every policy"},
        {"emulate io 0x10000", 1, 12, "beyond"},
        {"refuse msr IA32_EFFER", 1, 12, "did you mean IA32_EFER"},
        {"intercept exception", 1, 20, "line ends"},
        {"intercept exception udd", 1, 21, "did you mean ud"},
        {"intercept exception 32", 1, 21, "beyond the last, 0x1f"},
        {"intercept exception ud now", 1, 24, "one word too many"},
        {"passthrough exception mc", 1, 23, "exit under every policy"},
        {"passthrough exception 0-31", 1, 23, "exit under every policy"},
        {"a b c d e f g h i", 1, 17, "not part of any rule"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct policy policy;
        struct policy_error error;
        assert_int_equal(
            policy_compile("test", cases[i].source, strlen(cases[i].source), &policy, &error), -1);
        if (error.line != cases[i].line || error.column != cases[i].column ||
            !strstr(error.message, cases[i].word))
            fail_msg("'%s' gives %u:%u: %s", cases[i].source, error.line, error.column,
                     error.message);
        free(error.message);
    }
}

static void an_intercept_where_there_is_no_bit_is_redundant(void **unused)
{
    struct policy with, without;
    (void)unused;
    compile("default msr passthrough\nintercept msr 0x2000-0x3000", &with);
    compile("default msr passthrough", &without);
    assert_memory_equal(with.plan.msr_bitmap, without.plan.msr_bitmap, 4096);
}

static void names_are_checked(void **unused)
{
    struct policy policy;
    struct policy_error error;
    static const char *const names[] = {"", "No", "a b",
                                        "0123456789012345678901234567890123456789012345678"};
    (void)unused;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        assert_int_equal(policy_compile(names[i], "", 0, &policy, &error), -1);
        assert_int_equal(error.line, 0);
        free(error.message);
    }
}

static void random_bytes_do_no_harm(void **unused)
{
    uint64_t state = 7;
    static const char alphabet[] = "default msrio0x-9 \n\t#\0passthrough intercept";
    (void)unused;
    for (int round = 0; round < 3000; round++) {
        char source[48];
        struct policy policy;
        struct policy_error error;
        for (size_t i = 0; i < sizeof(source); i++)
            source[i] = alphabet[random_below(&state, sizeof(alphabet))];
        if (policy_compile("test", source, sizeof(source), &policy, &error) < 0)
            assert_true(error.line >= 1 && error.column >= 1);
        free(error.message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rules_against_a_model),
        cmocka_unit_test(nothing_said_is_everything_intercepted),
        cmocka_unit_test(what_never_passes),
        cmocka_unit_test(controls_and_probes),
        cmocka_unit_test(answers),
        cmocka_unit_test(every_control_has_its_bit),
        cmocka_unit_test(controls_that_need_more_are_not_to_be_had),
        cmocka_unit_test(exceptions),
        cmocka_unit_test(masks),
        cmocka_unit_test(exceptions_by_name),
        cmocka_unit_test(hash_is_of_what_it_does),
        cmocka_unit_test(predictions),
        cmocka_unit_test(what_an_operation_takes),
        cmocka_unit_test(what_is_hidden),
        cmocka_unit_test(errors_have_places),
        cmocka_unit_test(an_intercept_where_there_is_no_bit_is_redundant),
        cmocka_unit_test(names_are_checked),
        cmocka_unit_test(random_bytes_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
