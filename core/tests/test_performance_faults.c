/* SPDX-License-Identifier: MIT */
/* Counters that are not what CPUID says, and what is said of them. */
#include "../vmx/performance.h"
#include "../x86/msr.h"
#include "performance_fixture.h"

#include <string.h>

static const struct performance_event mixed[] = {
    RAW(ALL_RINGS | 0xc0, BOTH), RAW(ALL_RINGS | 0xc4, HOST), FIXED(0, GUEST), FIXED(1, BOTH)};

static struct performance_counter *event(unsigned index)
{
    return &fixture_performance.events[index];
}

static void absent(unsigned index, const char *text, uint32_t msr)
{
    assert_non_null(event(index)->absent);
    assert_string_equal(event(index)->absent, text);
    assert_int_equal(event(index)->msr, msr);
    assert_int_equal(event(index)->mask, 0);
}

/* As Bochs is with MSRs that it does not know: the leaf is there, the counters are not. */
static void hollow(void **state)
{
    (void)state;
    simulated_performance_hollow();
    performance_fixture_start(NULL, mixed, 4);
    absent(0, "an MSR of the PMU does not keep what is written", IA32_PERFEVTSEL0);
    absent(1, "an MSR of the PMU does not keep what is written", IA32_PERFEVTSEL0);
    absent(2, "the counter does not keep what is written", IA32_FIXED_CTR0);
    absent(3, "the counter does not keep what is written", IA32_FIXED_CTR0 + 1);
    assert_int_equal(fixture_performance.host | fixture_performance.guest, 0);
    assert_null(performance_stop(&fixture_performance));
}

/* The same with MSRs that fault, as Bochs has it by default. */
static void no_msrs_at_all(void **state)
{
    (void)state;
    *simulated_leaf(0xa, 0) = (struct cpuid_registers){.eax = 0x07300403, .edx = 0x603};
    performance_fixture_start(NULL, mixed, 4);
    for (unsigned i = 0; i < 4; i++)
        absent(i, "an MSR of the PMU raises #GP when it is read", IA32_PERF_GLOBAL_CTRL);
    assert_null(performance_stop(&fixture_performance));
}

/* What must be off before anything else can be done cannot be turned off. */
static void global_control_does_not_stick(void **state)
{
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    simulated_msr_set(IA32_PERF_GLOBAL_CTRL, 0xf);
    simulated_cpu.performance.dropping_first = IA32_PERF_GLOBAL_CTRL;
    simulated_cpu.performance.dropping_last = IA32_PERF_GLOBAL_CTRL;
    performance_fixture_start(NULL, mixed, 4);
    for (unsigned i = 0; i < 4; i++)
        absent(i, "an MSR of the PMU does not keep what is written", IA32_PERF_GLOBAL_CTRL);
    for (size_t i = 0; i < simulated_cpu.accesses.write_count; i++)
        assert_int_equal(simulated_cpu.accesses.writes[i].index, IA32_PERF_GLOBAL_CTRL);
}

/* Of several troubles the first is told: it may well explain the others. */
static void the_first_trouble_is_told(void **state)
{
    (void)state;
    simulated_performance_add(4, 4, 7, true);
    performance_fixture_start(NULL, mixed, 4);
    simulated_msr_remove(IA32_FIXED_CTR_CTRL);
    simulated_cpu.performance.dropping_first = IA32_PERF_GLOBAL_CTRL;
    simulated_cpu.performance.dropping_last = IA32_PERF_GLOBAL_CTRL;
    assert_string_equal(performance_stop(&fixture_performance),
                        "an MSR of the PMU raises #GP when it is written");
}

/* A counter that fails its proof is passed over as long as there is another. */
static void broken(uint64_t *how, const char *text)
{
    struct performance_event pinned[] = {RAW(ALL_RINGS | 0xc0, BOTH), RAW(ALL_RINGS | 0xc4, BOTH),
                                         FIXED(1, BOTH), FIXED(0, BOTH)};

    simulated_performance_add(4, 3, 7, true);
    *how = 1 | 1ull << 33;
    pinned[0].counters = 1;
    performance_fixture_start(NULL, pinned, 4);
    absent(0, text, IA32_PMC0);
    assert_null(event(1)->absent);
    assert_int_equal(event(1)->rdpmc, 1);
    absent(2, text, IA32_FIXED_CTR0 + 1);
    assert_null(event(3)->absent);
    assert_int_equal(fixture_performance.host, 0x100000002);
    assert_int_equal(simulated_msr(IA32_PERFEVTSEL0)->value, 0);
    assert_null(performance_stop(&fixture_performance));

    pinned[0].counters = 0;
    *how = 3;
    performance_fixture_start(NULL, pinned, 2);
    assert_null(event(0)->absent);
    assert_int_equal(event(0)->rdpmc, 2);
    absent(1, text, IA32_PMC0);
    assert_null(performance_stop(&fixture_performance));
}

static void counters_that_do_not_move(void **state)
{
    (void)state;
    broken(&simulated_cpu.performance.frozen, "the counter does not move when it must");
}

static void counters_that_rdpmc_cannot_read(void **state)
{
    (void)state;
    broken(&simulated_cpu.performance.rdpmc_faults, "RDPMC of the counter raises #GP");
}

static void counters_that_rdpmc_reads_wrongly(void **state)
{
    (void)state;
    broken(&simulated_cpu.performance.rdpmc_lies, "RDPMC does not read what the counter holds");
}

static void counters_that_keep_nothing(void **state)
{
    const struct performance_event one[] = {RAW(ALL_RINGS | 0xc0, BOTH)};
    (void)state;
    simulated_performance_add(4, 1, 7, true);
    simulated_cpu.performance.dropping_first = IA32_A_PMC0;
    simulated_cpu.performance.dropping_last = IA32_A_PMC0;
    performance_fixture_start(NULL, one, 1);
    absent(0, "the counter does not keep what is written", IA32_PMC0);
    assert_null(performance_stop(&fixture_performance));
}

/* Where instructions retired are no event of this CPU, core cycles are the proof. */
static void the_proof_is_an_event_there_is(void **state)
{
    const struct performance_event one[] = {RAW(ALL_RINGS | 0x1d1, BOTH)};
    (void)state;
    simulated_performance_add(4, 1, 7, true);
    simulated_leaf(0xa, 0)->ebx = 2;
    performance_fixture_start(NULL, one, 1);
    assert_null(event(0)->absent);
    assert_int_equal(simulated_cpu.accesses.writes[1].value, ALL_RINGS | 0x3c);
    assert_null(performance_stop(&fixture_performance));
    simulated_leaf(0xa, 0)->ebx = 3; /* then only what it holds can be proved */
    simulated_cpu.performance.frozen = 1;
    performance_fixture_start(NULL, one, 1);
    assert_null(event(0)->absent);
    assert_null(performance_stop(&fixture_performance));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(hollow),
        simulated_test(no_msrs_at_all),
        simulated_test(global_control_does_not_stick),
        simulated_test(the_first_trouble_is_told),
        simulated_test(counters_that_do_not_move),
        simulated_test(counters_that_rdpmc_cannot_read),
        simulated_test(counters_that_rdpmc_reads_wrongly),
        simulated_test(counters_that_keep_nothing),
        simulated_test(the_proof_is_an_event_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
