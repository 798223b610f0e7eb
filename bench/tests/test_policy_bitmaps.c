/* SPDX-License-Identifier: MIT */
/* Each bit of the bitmaps that rules make, held against a naive model. */
#include "policy_fixture.h"

#include "../../probes/record.h"
#include "../policy_bitmap.h"

#include <stdbool.h>
#include <stdio.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_rules_against_a_model),
        cmocka_unit_test(nothing_said_is_everything_intercepted),
        cmocka_unit_test(what_never_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
