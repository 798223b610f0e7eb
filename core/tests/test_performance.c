/* SPDX-License-Identifier: MIT */
/* Events put on counters, and which counters; and the PMU put back. */
#include "../vmx/performance.h"
#include "../x86/msr.h"
#include "performance_fixture.h"

#include <string.h>

static struct performance_counter *event(unsigned index)
{
    return &fixture_performance.events[index];
}

static void start(const struct performance_event *events, uint32_t count)
{
    performance_fixture_start(NULL, events, count);
}

static void stop(void)
{
    assert_null(performance_stop(&fixture_performance));
}

static uint64_t rdpmc(const struct performance_counter *counter)
{
    uint32_t low = 0, high = 0;
    assert_true(x86_rdpmc_checked(counter->rdpmc, &low, &high));
    return ((uint64_t)high << 32 | low) & counter->mask;
}

static uint64_t msr(uint32_t index)
{
    return simulated_msr(index)->value;
}

static void events_are_counted(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | 0xc0, BOTH), FIXED(0, BOTH),
                                               RAW(ALL_RINGS | 0x3c, BOTH), FIXED(2, BOTH),
                                               RAW(PERFEVTSEL_USR | 0xc0, BOTH)};
    (void)state;
    for (unsigned version = 2; version <= 5; version++) {
        simulated_performance_add((uint8_t)version, 4, 7, version > 3);
        start(events, 5);
        for (unsigned i = 0; i < 5; i++) {
            assert_null(event(i)->absent);
            assert_int_equal(event(i)->mask, 0xffffffffffff);
            assert_int_equal(rdpmc(event(i)), 0);
        }
        assert_int_equal(event(1)->rdpmc, 0x40000000);
        assert_int_equal(event(3)->rdpmc, 0x40000002);
        x86_spin(21);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(rdpmc(event(i)), 42);
        assert_int_equal(rdpmc(event(4)), 0); /* CPL 0 */
        stop();
    }
}

static void host_and_guest(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | 0xc0, HOST),
                                               RAW(ALL_RINGS | 0xc0, GUEST), FIXED(1, GUEST),
                                               FIXED(2, HOST), RAW(ALL_RINGS | 0xc4, BOTH)};
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    start(events, 5);
    assert_int_equal(fixture_performance.host, 0x400000005);
    assert_int_equal(fixture_performance.guest, 0x200000006);
    assert_int_equal(msr(IA32_PERF_GLOBAL_CTRL), 0x400000005);
    x86_spin(5); /* in the host */
    assert_int_equal(rdpmc(event(0)), 10);
    assert_int_equal(rdpmc(event(1)), 0);
    assert_int_equal(rdpmc(event(2)), 0);
    assert_int_equal(rdpmc(event(3)), 10);
    stop();
}

static void only_the_guest(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | 0xc0, GUEST)};
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    start(events, 1);
    assert_null(event(0)->absent);
    assert_int_equal(fixture_performance.host, 0);
    assert_int_equal(msr(IA32_PERF_GLOBAL_CTRL), 0);
    stop();
}

static void not_apart(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | 0xc0, HOST), FIXED(0, GUEST),
                                               FIXED(0, BOTH)};
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    performance_fixture_start("no such control", events, 3);
    assert_string_equal(event(0)->absent, "no such control");
    assert_string_equal(event(1)->absent, "no such control");
    assert_null(event(2)->absent);
    assert_int_equal(fixture_performance.host, fixture_performance.guest);
    stop();
}

/* Events of few counters get theirs, whatever the order they come in. */
static void counters_are_shared_out(void **state)
{
    struct performance_event events[] = {RAW(ALL_RINGS | 0x11, BOTH),
                                         RAW(ALL_RINGS | 0x12, BOTH),
                                         RAW(ALL_RINGS | 0x13, BOTH),
                                         RAW(ALL_RINGS | 0x14, BOTH),
                                         FIXED(1, BOTH),
                                         FIXED(1, BOTH)};
    static const uint64_t counters[] = {0xf, 0x7, 0x3, 0x1};
    (void)state;
    for (unsigned i = 0; i < COUNT_OF(counters); i++)
        events[i].counters = counters[i];
    simulated_performance_add(3, 4, 7, false);
    start(events, 6);
    for (unsigned i = 0; i < 4; i++) {
        assert_null(event(i)->absent);
        assert_int_equal(event(i)->rdpmc, 3 - i);
        assert_int_equal(msr(IA32_PERFEVTSEL0 + 3 - i), events[i].selector | PERFEVTSEL_EN);
    }
    assert_null(event(4)->absent);
    assert_string_equal(event(5)->absent, "the counters that can count it are taken by other "
                                          "events");
    stop();
}

static void too_many_events(void **state)
{
    struct performance_event events[10];
    (void)state;
    for (unsigned i = 0; i < 10; i++)
        events[i] = (struct performance_event)RAW(ALL_RINGS | 0xc0, BOTH);
    simulated_performance_add(4, 2, 7, true);
    start(events, 10);
    assert_int_equal(fixture_performance.count, 8);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(!event(i)->absent, i < 2);
    stop();
}

/* What nobody asked for is not touched, not even for a moment. */
static void other_counters_are_left_alone(void **state)
{
    struct performance_event one = RAW(ALL_RINGS | 0xc0, BOTH);
    (void)state;
    one.counters = 4;
    simulated_performance_add(4, 4, 7, true);
    start(&one, 1);
    stop();
    for (size_t i = 0; i < simulated_cpu.accesses.write_count; i++) {
        uint32_t index = simulated_cpu.accesses.writes[i].index;
        if (index != IA32_PERF_GLOBAL_CTRL && index != IA32_PERFEVTSEL0 + 2 &&
            index != IA32_A_PMC0 + 2)
            fail_msg("0x%x was written", index);
    }
}

/* Counters above 32 bits come back where the CPU lets them be written whole. */
static void counters_come_back_whole(void **state)
{
    const struct performance_event one = RAW(ALL_RINGS | 0xc0, BOTH);
    (void)state;
    for (int full_width = 0; full_width < 2; full_width++) {
        simulated_performance_add(4, 1, 7, full_width);
        simulated_msr_set(IA32_PMC0, 0xabcd80001234);
        start(&one, 1);
        stop();
        assert_int_equal(msr(IA32_PMC0), full_width ? 0xabcd80001234 : 0xffff80001234);
    }
}

static void refused_events_cost_nothing(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | PERFEVTSEL_INT | 0xc0, BOTH),
                                               FIXED(9, BOTH)};
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    start(events, 2);
    assert_non_null(strstr(event(0)->absent, "INT"));
    assert_non_null(strstr(event(1)->absent, "no such fixed"));
    assert_int_equal(event(0)->msr, 0);
    expect_writes(NULL, 0);
    stop();
    expect_writes(NULL, 0);
}

static void no_pmu(void **state)
{
    const struct performance_event events[] = {RAW(ALL_RINGS | 0xc0, BOTH), FIXED(0, BOTH)};
    unsigned accesses = simulated_cpu.rdmsrs;
    (void)state;
    start(events, 2);
    assert_non_null(strstr(event(0)->absent, "no PMU: "));
    assert_non_null(strstr(event(1)->absent, "no PMU: "));
    stop();
    assert_int_equal(simulated_cpu.rdmsrs, accesses);
}

/* One that is not in use, as a zeroed struct is. */
static void stopping_what_never_started(void **state)
{
    struct performance performance = {0};
    (void)state;
    assert_null(performance_stop(&performance));
    assert_int_equal(simulated_cpu.wrmsrs, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(events_are_counted),
        simulated_test(host_and_guest),
        simulated_test(only_the_guest),
        simulated_test(not_apart),
        simulated_test(counters_are_shared_out),
        simulated_test(too_many_events),
        simulated_test(other_counters_are_left_alone),
        simulated_test(counters_come_back_whole),
        simulated_test(refused_events_cost_nothing),
        simulated_test(no_pmu),
        simulated_test(stopping_what_never_started),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
