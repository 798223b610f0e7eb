/* SPDX-License-Identifier: MIT */
/* MSRs that events need beside their selector: which, what is written, and the way back. */
#include "../vmx/performance.h"
#include "../x86/msr.h"
#include "performance_fixture.h"

#include <string.h>

#define OFFCORE(msr, value)                                                            \
    {                                                                                  \
        .selector = ALL_RINGS | 0x01b7, .where = PERFORMANCE_BOTH, .extra_msr = (msr), \
        .extra_value = (value)                                                         \
    }

static const char *absent(unsigned event)
{
    return fixture_performance.events[event].absent;
}

static int add(void **state)
{
    simulated_cpu_setup(state);
    simulated_performance_add(3, 4, 7, true);
    simulated_msr_set(0x1a6, 0x111);
    simulated_msr_set(0x1a7, 0x222);
    return 0;
}

static void written_and_put_back(void **state)
{
    const struct performance_event events[] = {
        OFFCORE(0x1a6, 0x3f80008fff), OFFCORE(0x1a7, 0x10001), OFFCORE(0x1a6, 0x3f80008fff)};
    (void)state;
    performance_fixture_start(NULL, events, 3);
    for (unsigned i = 0; i < 3; i++)
        assert_null(absent(i));
    assert_int_equal(simulated_msr(0x1a6)->value, 0x3f80008fff);
    assert_int_equal(simulated_msr(0x1a7)->value, 0x10001);
    assert_null(performance_stop(&fixture_performance));
    assert_int_equal(simulated_msr(0x1a6)->value, 0x111);
    assert_int_equal(simulated_msr(0x1a7)->value, 0x222);
    simulated_cpu.accesses.write_count = 0;
    assert_null(performance_stop(&fixture_performance));
    expect_writes(NULL, 0);
}

static void one_value_at_a_time(void **state)
{
    const struct performance_event events[] = {OFFCORE(0x1a6, 1), OFFCORE(0x1a6, 2)};
    (void)state;
    performance_fixture_start(NULL, events, 2);
    assert_null(absent(0));
    assert_string_equal(absent(1), "its MSR holds another event's value");
    assert_int_equal(fixture_performance.events[1].msr, 0x1a6);
    assert_int_equal(simulated_msr(0x1a6)->value, 1);
    performance_stop(&fixture_performance);
    assert_int_equal(simulated_msr(0x1a6)->value, 0x111);
}

/* Whatever the plan says: these are the host's own, and no event's. */
static void no_others_are_written(void **state)
{
    static const uint32_t msrs[] = {0x1b,  IA32_EFER, IA32_LSTAR, 0x1a5,
                                    0x1a8, 0x3f6,     0x3f8,      UINT32_MAX};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(msrs); i++) {
        const struct performance_event events[] = {OFFCORE(msrs[i], 7)};
        const struct performance_event fixed = {
            .fixed = true, .where = PERFORMANCE_BOTH, .extra_msr = msrs[i]};
        performance_fixture_start(NULL, events, 1);
        assert_string_equal(absent(0),
                            "the MSR that it needs is none that may be written for an event");
        expect_writes(NULL, 0);
        performance_fixture_start(NULL, &fixed, 1);
        assert_non_null(absent(0));
        expect_writes(NULL, 0);
    }
}

static void an_msr_that_is_not_there_or_does_not_keep(void **state)
{
    const struct performance_event events[] = {OFFCORE(0x3f7, 1), RAW(ALL_RINGS | 0xc0, BOTH)};
    const struct performance_event dropped[] = {OFFCORE(0x1a7, 1), RAW(ALL_RINGS | 0xc0, BOTH)};
    (void)state;
    performance_fixture_start(NULL, events, 2);
    assert_string_equal(absent(0), "an MSR of the PMU raises #GP when it is read");
    assert_int_equal(fixture_performance.events[0].msr, 0x3f7);
    assert_null(absent(1));
    assert_null(performance_stop(&fixture_performance));
    simulated_cpu.performance.dropping_first = simulated_cpu.performance.dropping_last = 0x1a7;
    performance_fixture_start(NULL, dropped, 2);
    assert_string_equal(absent(0), "an MSR of the PMU does not keep what is written");
    assert_null(absent(1));
    performance_stop(&fixture_performance);
}

#define extra_test(function) cmocka_unit_test_setup_teardown(function, add, simulated_cpu_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        extra_test(written_and_put_back),
        extra_test(one_value_at_a_time),
        extra_test(no_others_are_written),
        extra_test(an_msr_that_is_not_there_or_does_not_keep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
