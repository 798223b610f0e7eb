/* SPDX-License-Identifier: MIT */
/* Which MSRs of the PMU are written, with what, and in which order. */
#include "../vmx/performance.h"
#include "../x86/msr.h"
#include "performance_fixture.h"

static void start(const struct performance_event *events, uint32_t count)
{
    performance_fixture_start(NULL, events, count);
    for (uint32_t i = 0; i < count; i++)
        assert_null(fixture_performance.events[i].absent);
}

static void stop(void)
{
    assert_null(performance_stop(&fixture_performance));
}

/* What is written when, from everything off to everything on; then the way back. */
static void sequence(void **state)
{
    const uint64_t proof = ALL_RINGS | 0xc0, selector = ALL_RINGS | PERFEVTSEL_INV | 0x05000101;
    const struct performance_event events[] = {
        {.selector = selector, .counters = 2, .where = PERFORMANCE_BOTH}, FIXED(1, BOTH)};
    const uint32_t sel = IA32_PERFEVTSEL0 + 1, pmc = IA32_PMC0 + 1, fixed = IA32_FIXED_CTR0 + 1;
    const struct simulated_write starting[] = {
        {IA32_PERF_GLOBAL_CTRL, 0},
        {IA32_FIXED_CTR_CTRL, 0},
        /* The proof of each counter. */
        {sel, proof},
        {pmc, 0x2aaaaaaa},
        {pmc, 0},
        {sel, proof | PERFEVTSEL_EN},
        {IA32_PERF_GLOBAL_CTRL, 2},
        {IA32_PERF_GLOBAL_CTRL, 0},
        {sel, proof},
        {IA32_FIXED_CTR_CTRL, 0},
        {fixed, 0x2aaaaaaa},
        {fixed, 0},
        {IA32_FIXED_CTR_CTRL, 0x30},
        {IA32_PERF_GLOBAL_CTRL, 0x200000000},
        {IA32_PERF_GLOBAL_CTRL, 0},
        {IA32_FIXED_CTR_CTRL, 0},
        /* Selectors and counters, each off. */
        {sel, selector},
        {pmc, 0},
        {fixed, 0},
        /* On. */
        {sel, selector | PERFEVTSEL_EN},
        {IA32_FIXED_CTR_CTRL, 0x30},
        {IA32_PERF_GLOBAL_CTRL, 0x200000002},
    };
    const struct simulated_write stopping[] = {
        {IA32_PERF_GLOBAL_CTRL, 0},
        {IA32_FIXED_CTR_CTRL, 0},
        {fixed, 0x777},
        {sel, 0},
        {pmc, 0x555},
        {sel, 0x530076},
        {IA32_FIXED_CTR_CTRL, 0xb0b},
        {IA32_PERF_GLOBAL_CTRL, 0x700000003},
    };
    (void)state;
    simulated_performance_add(3, 2, 7, false);
    simulated_msr_set(sel, 0x530076);
    simulated_msr_set(pmc, 0x555);
    simulated_msr_set(fixed, 0x777);
    simulated_msr_set(IA32_FIXED_CTR_CTRL, 0xb0b);
    simulated_msr_set(IA32_PERF_GLOBAL_CTRL, 0x700000003);
    start(events, 2);
    expect_writes(starting, COUNT_OF(starting));
    stop();
    expect_writes(stopping, COUNT_OF(stopping));
    stop();
    expect_writes(NULL, 0);
}

/* Without IA32_PERF_GLOBAL_CTRL, a selector's EN is the switch. */
static void sequence_of_version_1(void **state)
{
    const uint64_t proof = ALL_RINGS | 0xc0, selector = PERFEVTSEL_OS | 0xc4;
    const struct performance_event events[] = {RAW(selector, BOTH)};
    const struct simulated_write starting[] = {
        {IA32_PERFEVTSEL0, proof},
        {IA32_PMC0, 0x2aaaaaaa},
        {IA32_PMC0, 0},
        {IA32_PERFEVTSEL0, proof | PERFEVTSEL_EN},
        {IA32_PERFEVTSEL0, proof},
        {IA32_PERFEVTSEL0, selector},
        {IA32_PMC0, 0},
        {IA32_PERFEVTSEL0, selector | PERFEVTSEL_EN},
    };
    const struct simulated_write stopping[] = {
        {IA32_PERFEVTSEL0, 0}, {IA32_PMC0, 0x99}, {IA32_PERFEVTSEL0, 0x430000 | 0xc0}};
    (void)state;
    simulated_performance_add(1, 1, 0, false);
    simulated_msr_set(IA32_PERFEVTSEL0, 0x430000 | 0xc0); /* counting as it is found */
    simulated_msr_set(IA32_PMC0, 0x99);
    start(events, 1);
    assert_int_equal(fixture_performance.host, 1);
    assert_int_equal(fixture_performance.guest, 1);
    expect_writes(starting, COUNT_OF(starting));
    stop();
    expect_writes(stopping, COUNT_OF(stopping));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(sequence),
        simulated_test(sequence_of_version_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
