/* SPDX-License-Identifier: MIT */
/* A #GP at each access to the PMU in turn: nothing stays programmed, and all is put back. */
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

/* A PMU that was in use: what stands in each MSR is to stand there again. */
static void furnish(uint8_t version)
{
    simulated_performance_add(version, 3, version > 1 ? 7 : 0, version > 3);
    for (uint32_t i = 0; i < 3; i++) {
        /* Without IA32_PERF_GLOBAL_CTRL, one that is on counts while another is proved. */
        simulated_msr_set(IA32_PERFEVTSEL0 + i, (version > 1 ? 0x5300c0 : 0x1300c0) + i);
        simulated_msr_set(IA32_PMC0 + i, 0x1000 + i);
        if (version > 3)
            simulated_msr_set(IA32_A_PMC0 + i, 0x1000 + i);
    }
    if (version < 2)
        return;
    for (uint32_t i = 0; i < 3; i++)
        simulated_msr_set(IA32_FIXED_CTR0 + i, 0x2000 + i);
    simulated_msr_set(IA32_FIXED_CTR_CTRL, 0xb3);
    simulated_msr_set(IA32_PERF_GLOBAL_CTRL, 0x300000003);
}

/* MSRs whose value is not what it was, but for one that may differ. */
static unsigned differing(const struct simulated_msr *before, uint32_t but)
{
    unsigned count = 0;
    for (size_t i = 0; i < simulated_cpu.msr_count; i++) {
        assert_int_equal(simulated_cpu.msrs[i].index, before[i].index);
        /* IA32_A_PMCx are the same counters once more. */
        bool same = before[i].index == but || before[i].index - IA32_PMC0 == but - IA32_A_PMC0;
        count += !same && before[i].index - IA32_A_PMC0 >= 8 &&
                 simulated_cpu.msrs[i].value != before[i].value;
    }
    return count;
}

/* The PMU's switches, as a row of WRMSRs leaves them. */
struct switches {
    uint64_t global, fixed_control, selector[3];
};

static struct switches switches_now(void)
{
    struct switches now = {.global = UINT64_MAX};
    if (simulated_msr(IA32_PERF_GLOBAL_CTRL)) {
        now.global = simulated_msr(IA32_PERF_GLOBAL_CTRL)->value;
        now.fixed_control = simulated_msr(IA32_FIXED_CTR_CTRL)->value;
    }
    for (unsigned i = 0; i < 3; i++)
        now.selector[i] = simulated_msr(IA32_PERFEVTSEL0 + i)->value;
    return now;
}

static bool is_on(const struct switches *switches, uint32_t number)
{
    if (!(switches->global >> number & 1))
        return false;
    return number < 32 ? switches->selector[number] & PERFEVTSEL_EN
                       : switches->fixed_control >> 4 * (number - 32) & 3;
}

/* Replays what was written since: nothing is written to a counter that is on. */
static void counters_are_written_while_off(struct switches replayed, uint32_t but)
{
    for (size_t i = 0; i < simulated_cpu.accesses.write_count; i++) {
        const struct simulated_write *write = &simulated_cpu.accesses.writes[i];
        uint32_t number = UINT32_MAX;
        if (write->index == IA32_PERF_GLOBAL_CTRL)
            replayed.global = write->value;
        else if (write->index == IA32_FIXED_CTR_CTRL)
            replayed.fixed_control = write->value;
        else if (write->index - IA32_PERFEVTSEL0 < 3)
            replayed.selector[write->index - IA32_PERFEVTSEL0] = write->value;
        else if (write->index - IA32_PMC0 < 3)
            number = write->index - IA32_PMC0;
        else if (write->index - IA32_A_PMC0 < 3)
            number = write->index - IA32_A_PMC0;
        else
            number = 32 + write->index - IA32_FIXED_CTR0;
        if (number != UINT32_MAX && is_on(&replayed, number) && write->index - IA32_PMC0 != but)
            fail_msg("write %zu: 0x%x is written while it counts", i, write->index);
    }
}

/* Whatever has no event on it is as it was before, but for the MSR that faulted. */
static void the_others_are_untouched(const struct simulated_msr *before, uint64_t counting,
                                     uint32_t failed)
{
    for (size_t i = 0; i < simulated_cpu.msr_count; i++) {
        uint32_t index = before[i].index;
        uint32_t number = index - IA32_PMC0 < 3          ? index - IA32_PMC0
                          : index - IA32_PERFEVTSEL0 < 3 ? index - IA32_PERFEVTSEL0
                          : index - IA32_FIXED_CTR0 < 3  ? 32 + index - IA32_FIXED_CTR0
                                                         : UINT32_MAX;
        if (number == UINT32_MAX || counting >> number & 1 || index == failed ||
            index - IA32_PMC0 == failed - IA32_A_PMC0)
            continue;
        if (simulated_cpu.msrs[i].value != before[i].value)
            fail_msg("0x%x is in use, though nothing counts there (0x%x)", index, failed);
    }
    if (!simulated_msr(IA32_FIXED_CTR_CTRL) || failed == IA32_FIXED_CTR_CTRL)
        return;
    for (uint32_t i = 0; i < 3 && fixture_performance.fixed_control_is_saved; i++)
        assert_int_equal(simulated_msr(IA32_FIXED_CTR_CTRL)->value >> 4 * i & 0xf,
                         counting >> (32 + i) & 1 ? 3 : 0);
}

/*
 * The n-th access faults. An event is then absent with a reason or counts, and after the stop all
 * is as before. Only where the fault hits the write that would have put something back is that one
 * MSR different; and that is said.
 */
static void one_access_faults(uint8_t version, const struct performance_event *events,
                              uint32_t count)
{
    static struct simulated_msr before[SIMULATED_MSRS_MAX];
    unsigned n = 1, hurt = 0, unlike = 0;

    for (;; n++) {
        unsigned absences = 0;
        uint64_t counting = 0;
        furnish(version);
        memcpy(before, simulated_cpu.msrs, sizeof(before));
        struct switches replayed = switches_now();
        struct performance_capability capability;
        performance_detect(&capability);
        simulated_cpu.accesses.countdown = n;
        simulated_cpu.accesses.write_count = 0;
        simulated_cpu.accesses.failed = 0;
        performance_start(&fixture_performance, &capability, NULL, events, count);
        struct switches now = switches_now();
        for (uint32_t i = 0; i < count; i++) {
            const struct performance_counter *one = event(i);
            uint32_t number = one->rdpmc & 0x40000000 ? 32 + (one->rdpmc & 0x3fffffff) : one->rdpmc;
            absences += one->absent != NULL;
            if (!one->absent)
                counting |= 1ull << number;
            if (!one->absent && events[i].where & PERFORMANCE_HOST && !is_on(&now, number))
                fail_msg("access %u (0x%x): event %u is off", n, simulated_cpu.accesses.failed, i);
        }
        if (version > 1 && counting &&
            simulated_msr(IA32_PERF_GLOBAL_CTRL)->value != fixture_performance.host)
            fail_msg("access %u: something else counts too", n);
        if ((fixture_performance.host | fixture_performance.guest) != counting)
            fail_msg("access %u: the masks name other counters", n);
        the_others_are_untouched(before, counting, simulated_cpu.accesses.failed);
        hurt += absences > 0;
        const char *trouble = performance_stop(&fixture_performance);
        uint32_t failed = simulated_cpu.accesses.failed;
        /* Of version 1, a selector is the only switch, and one that cannot be written stays. */
        counters_are_written_while_off(replayed,
                                       version == 1 ? failed - IA32_PERFEVTSEL0 : UINT32_MAX);
        if (simulated_cpu.accesses.countdown)
            break; /* n is more than there are accesses */
        if (differing(before, simulated_cpu.accesses.failed_write ? failed : 0))
            fail_msg("access %u (0x%x): not as before", n, failed);
        if (differing(before, 0)) {
            unlike++;
            if (!trouble)
                fail_msg("access %u (0x%x): not as before, and nobody says so", n, failed);
        }
    }
    assert_true(n > 20);
    assert_true(hurt > n / 10);
    assert_true(unlike > 0 && unlike < 12);
    simulated_cpu.accesses.countdown = 0;
}

static void any_access_faults(void **state)
{
    const struct performance_event version_1[] = {RAW(ALL_RINGS | 0xc4, BOTH),
                                                  RAW(ALL_RINGS | 0xc5, BOTH)};
    const struct performance_event one_fixed[] = {RAW(ALL_RINGS | 0xc4, BOTH), FIXED(0, BOTH)};
    (void)state;
    one_access_faults(1, version_1, 2);
    one_access_faults(2, mixed, 4);
    one_access_faults(3, mixed, 4);
    one_access_faults(4, mixed, 4);
    one_access_faults(5, mixed, 4);
    one_access_faults(4, one_fixed, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(any_access_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
