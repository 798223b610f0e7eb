/* SPDX-License-Identifier: MIT */
/* From records to a profile: every exit once, whatever becomes of the ring and of the tables. */
#include "../image/profile_fold.h"

#include "../../core/tests/tests.h"
#include "../../core/vmx/exit_reason.h"

#include <stdlib.h>
#include <string.h>

#define RING_BYTES ((1 + (size_t)PROFILE_RING_RECORDS) * RECORD_SIZE)

static struct probe_cpu probes;
static struct profile *profile;
static void *ring;
static uint64_t now;

static int make(void **state)
{
    simulated_cpu_setup(state);
    profile = calloc(1, sizeof(*profile));
    ring = aligned_alloc(64, RING_BYTES);
    memset(ring, 0x5a, RING_BYTES);
    probes = (struct probe_cpu){0};
    profile_begin(profile, &probes, ring);
    profile_enter();
    now = simulated_cpu.tsc + 10;
    return 0;
}

static int unmake(void **state)
{
    free(profile);
    free(ring);
    return simulated_cpu_teardown(state);
}

/* As the exit path writes one: 3 ticks of dispatch, 5 of the handler, 2 behind it. */
static void take(uint16_t reason, uint64_t detail, uint64_t rip, uint32_t flags)
{
    struct record *record = probes.next;
    record->entered = now;
    record->dispatched = now + 3;
    record->handled = now + 8;
    record->reason = reason;
    record->flags = RECORD_HAS_COUNTS | flags;
    record->vmreads = 4;
    record->vmwrites = 1;
    record->msr_accesses = 0;
    if (detail != PROFILE_NOT_SAID)
        record->detail = detail;
    if (rip != PROFILE_NOT_SAID)
        record->rip = rip;
    if (record == probes.end) {
        simulated_cpu.tsc = now + 8;
        record = probes.full(record);
        now = simulated_cpu.tsc - 1 - 8; /* what making room took comes before the entry */
    } else {
        probes.next++;
    }
    record->entering = flags & RECORD_LEFT ? 0 : now + 10;
    now += 30; /* the guest has 20 ticks */
    simulated_cpu.tsc = now;
}

static const struct profile_detail *detail_of(uint32_t reason, uint64_t detail)
{
    const struct profile_detail *found = NULL;
    for (unsigned i = 0; i < PROFILE_DETAILS; i++)
        if (profile->details[i].used && profile->details[i].reason == reason &&
            profile->details[i].detail == detail) {
            assert_null(found);
            found = &profile->details[i];
        }
    return found;
}

static uint64_t address_count(uint32_t reason, uint64_t rip)
{
    for (unsigned i = 0; i < PROFILE_ADDRESSES; i++)
        if (profile->addresses[i].used && profile->addresses[i].reason == reason &&
            profile->addresses[i].rip == rip)
            return profile->addresses[i].count;
    return 0;
}

static void exits_by_reason_detail_and_address(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++)
        take(EXIT_REASON_RDMSR, 0x174, 0x1000, 0);
    take(EXIT_REASON_RDMSR, 0x175, 0x1000, 0);
    take(EXIT_REASON_WRMSR, 0x174, 0x1002, 0);
    take(EXIT_REASON_HLT, PROFILE_NOT_SAID, PROFILE_NOT_SAID, 0);
    take(EXIT_REASON_EPT_VIOLATION, 0x5123, 0x1004, 0);
    take(EXIT_REASON_EPT_VIOLATION, 0x5ff8, 0x1004, 0);
    take(0x7f, 1, 2, 0); /* one that the core does not know */
    take(EXIT_REASON_VMCALL, 1, 0x1006, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].count, 6);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].ticks, 60);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].dispatch, 18);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].handler, 30);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].vmreads, 24);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].vmwrites, 6);
    assert_int_equal(profile->reasons[PROBE_REASONS - 1].count, 1);
    assert_int_equal(detail_of(EXIT_REASON_RDMSR, 0x174)->cost.count, 5);
    assert_int_equal(detail_of(EXIT_REASON_RDMSR, 0x175)->cost.count, 1);
    assert_int_equal(detail_of(EXIT_REASON_WRMSR, 0x174)->cost.count, 1);
    assert_int_equal(detail_of(EXIT_REASON_HLT, PROFILE_NOT_SAID)->cost.count, 1);
    assert_int_equal(detail_of(EXIT_REASON_EPT_VIOLATION, 0x5000)->cost.count, 2);
    assert_int_equal(address_count(EXIT_REASON_RDMSR, 0x1000), 6);
    assert_int_equal(address_count(EXIT_REASON_HLT, PROFILE_NOT_SAID), 1);
    /* The one that left has no VM entry: its time ends with the handler. */
    assert_int_equal(profile->reasons[EXIT_REASON_VMCALL].ticks, 8);
    assert_int_equal(profile->host, 11 * 10 + 8);
    assert_int_equal(profile->guest, 11 + 11 * 20);
    assert_int_equal(profile->lost + profile->out_of_order + profile->polls, 0);
}

/* What a handler does not write must not be what an exit before had in the same place. */
static void places_are_fresh_when_used_again(void **state)
{
    (void)state;
    take(EXIT_REASON_RDMSR, 0x174, 0x1000, 0);
    take(EXIT_REASON_PREEMPTION_TIMER, PROFILE_NOT_SAID, 0x2000, RECORD_LEFT);
    profile_leave(true);
    profile_enter();
    now = simulated_cpu.tsc + 10;
    take(EXIT_REASON_HLT, PROFILE_NOT_SAID, PROFILE_NOT_SAID, 0);
    take(EXIT_REASON_HLT, PROFILE_NOT_SAID, PROFILE_NOT_SAID, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    assert_int_equal(detail_of(EXIT_REASON_HLT, PROFILE_NOT_SAID)->cost.count, 2);
    assert_int_equal(address_count(EXIT_REASON_HLT, PROFILE_NOT_SAID), 2);
    assert_int_equal(profile->polls, 1);
    assert_int_equal(profile->reasons[EXIT_REASON_PREEMPTION_TIMER].count, 0);
}

/* More exits than the ring holds, and the time that folding takes is nobody's. */
static void the_ring_is_full(void **state)
{
    const unsigned exits = 2 * PROFILE_RING_RECORDS + 100;
    (void)state;
    for (unsigned i = 0; i < exits; i++)
        take(EXIT_REASON_CPUID, i & 1, 0x1000 + (i & 3), 0);
    take(EXIT_REASON_VMCALL, 1, 0x2000, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    assert_int_equal(profile->reasons[EXIT_REASON_CPUID].count, exits);
    assert_int_equal(profile->reasons[EXIT_REASON_CPUID].ticks, 10 * (uint64_t)exits);
    assert_int_equal(profile->guest, 11 + 20 * (uint64_t)exits);
    assert_int_equal(detail_of(EXIT_REASON_CPUID, 1)->cost.count, exits / 2);
    assert_int_equal(address_count(EXIT_REASON_CPUID, 0x1003), exits / 4);
    assert_int_equal(profile->lost + profile->out_of_order, 0);
    assert_true(profile->folding > 0);
}

static void tables_are_full(void **state)
{
    const unsigned exits = 4 * PROFILE_ADDRESSES;
    uint64_t details = 0, addresses = 0;
    (void)state;
    for (unsigned i = 0; i < exits; i++)
        take(EXIT_REASON_RDMSR, i, 0x1000 + 8 * i, 0);
    take(EXIT_REASON_RDMSR, 0, 0x1000, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    for (unsigned i = 0; i < PROFILE_DETAILS; i++)
        details += profile->details[i].cost.count;
    for (unsigned i = 0; i < PROFILE_ADDRESSES; i++)
        addresses += profile->addresses[i].count;
    assert_int_equal(details + profile->details_lost.count, exits + 1);
    assert_int_equal(addresses + profile->addresses_lost, exits + 1);
    assert_true(profile->details_lost.count > 0 && profile->addresses_lost > 0);
    assert_true(details >= PROFILE_DETAILS * 3 / 4 && addresses >= PROFILE_ADDRESSES * 3 / 4);
    assert_int_equal(detail_of(EXIT_REASON_RDMSR, 0)->cost.count, 2);
    assert_int_equal(profile->reasons[EXIT_REASON_RDMSR].count, exits + 1);
}

static const struct profile_wait *wait_of(uint32_t reason, uint64_t detail)
{
    return &detail_of(reason, detail)->wait;
}

#define IN_STATUS 0x3fd0008u /* exit qualifications */
#define OUT_DATA  0x3f80000u

/* Twelve rounds of a loop of two exits: all of it waits, its first round too. */
static void a_loop_that_waits(void **state)
{
    (void)state;
    take(EXIT_REASON_IO, OUT_DATA, 0x900, 0);
    for (int i = 0; i < 12; i++) {
        take(EXIT_REASON_IO, IN_STATUS, 0x1000, 0);
        take(EXIT_REASON_PAUSE, PROFILE_NOT_SAID, 0x1004, 0);
    }
    take(EXIT_REASON_IO, OUT_DATA, 0x900, 0);
    take(EXIT_REASON_IO, IN_STATUS, 0x1000, 0); /* at once what it is to be: it does not wait */
    take(EXIT_REASON_VMCALL, 1, 0x1010, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    const struct profile_wait *in = wait_of(EXIT_REASON_IO, IN_STATUS);
    const struct profile_wait *pause = wait_of(EXIT_REASON_PAUSE, PROFILE_NOT_SAID);
    assert_int_equal(detail_of(EXIT_REASON_IO, IN_STATUS)->cost.count, 13);
    assert_int_equal(in->count, 12);
    assert_int_equal(in->ticks, 12 * 10);
    assert_int_equal(in->elapsed, 12 * 30);
    assert_int_equal(pause->count, 12);
    assert_int_equal(pause->elapsed, 12 * 30);
    assert_int_equal(wait_of(EXIT_REASON_IO, OUT_DATA)->count, 0);
}

/* What writes, comes from elsewhere, or is a string moves on. */
static void loops_that_work(void **state)
{
    const uint64_t ins = IN_STATUS | 0x10;
    (void)state;
    for (uint64_t i = 0; i < 12; i++) {
        take(EXIT_REASON_IO, OUT_DATA, 0x900, 0);
        take(EXIT_REASON_IO, IN_STATUS, 0x1000, 0);
        take(EXIT_REASON_WRMSR, 0x174, 0x1100, 0);
        take(EXIT_REASON_RDMSR, 0x174, 0x1200 + 8 * i, 0);
        take(EXIT_REASON_IO, ins, 0x1300, 0);
    }
    for (int i = 0; i < 12; i++)
        take(EXIT_REASON_IO, ins, 0x1300, 0);
    for (uint64_t i = 0; i < 100; i++) /* more places than are kept in mind */
        take(EXIT_REASON_RDMSR, 0x174, 0x2000 + 8 * (i % 9), 0);
    take(EXIT_REASON_VMCALL, 1, 0x1010, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    assert_int_equal(wait_of(EXIT_REASON_IO, OUT_DATA)->count, 0);
    assert_int_equal(wait_of(EXIT_REASON_IO, IN_STATUS)->count, 0);
    assert_int_equal(wait_of(EXIT_REASON_RDMSR, 0x174)->count, 0);
    assert_int_equal(wait_of(EXIT_REASON_WRMSR, 0x174)->count, 0);
    assert_int_equal(wait_of(EXIT_REASON_IO, ins)->count, 0);
}

/* Neither a full ring nor a look at the end is in a loop's way, and folding is not its time. */
static void a_loop_that_waits_for_long(void **state)
{
    const unsigned rounds = PROFILE_RING_RECORDS + 100;
    (void)state;
    for (unsigned i = 0; i < rounds; i++)
        take(EXIT_REASON_IO, IN_STATUS, 0x1000, 0);
    take(EXIT_REASON_PREEMPTION_TIMER, PROFILE_NOT_SAID, 0x2000, RECORD_LEFT);
    profile_leave(true);
    profile_enter();
    now = simulated_cpu.tsc + 20;
    take(EXIT_REASON_IO, IN_STATUS, 0x1000, 0);
    take(EXIT_REASON_VMCALL, 1, 0x1010, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    const struct profile_wait *in = wait_of(EXIT_REASON_IO, IN_STATUS);
    assert_int_equal(in->count, rounds + 1);
    assert_int_equal(in->ticks, 10 * ((uint64_t)rounds + 1));
    assert_in_range(in->elapsed, 30 * (uint64_t)rounds - 20, 30 * ((uint64_t)rounds + 1));
}

/* Slices double in width, and lose nothing. */
static void a_long_run(void **state)
{
    uint64_t counts = 0, ticks = 0;
    (void)state;
    for (unsigned i = 0; i < 1000; i++) {
        take(EXIT_REASON_HLT, PROFILE_NOT_SAID, 0x1000, 0);
        now += 3 * PROFILE_SLICE_START; /* three slices of 256 each: it widens twice, and again */
    }
    take(EXIT_REASON_VMCALL, 1, 0x1000, RECORD_LEFT);
    profile_leave(false);
    profile_end();
    assert_int_equal(profile->slice_width, 16 * PROFILE_SLICE_START);
    for (unsigned i = 0; i < PROFILE_SLICES; i++) {
        counts += profile->slices[i].count[EXIT_REASON_HLT];
        ticks += profile->slices[i].ticks[EXIT_REASON_HLT];
        if (i < 180)
            assert_in_range(profile->slices[i].count[EXIT_REASON_HLT], 5, 6);
    }
    assert_int_equal(counts, 1000);
    assert_int_equal(ticks, 10000);
}

/* A guest that may write the TSC makes stamps of all kinds. */
static void time_goes_backwards(void **state)
{
    (void)state;
    take(EXIT_REASON_CPUID, 0, 0x1000, 0);
    now -= 1000;
    take(EXIT_REASON_CPUID, 0, 0x1000, 0);
    now += 2000;
    take(EXIT_REASON_CPUID, 0, 0x1000, 0);
    profile_leave(false);
    profile_end();
    assert_int_equal(profile->out_of_order, 1);
    assert_int_equal(profile->reasons[EXIT_REASON_CPUID].count, 2);
}

#define profile_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        profile_test(exits_by_reason_detail_and_address),
        profile_test(places_are_fresh_when_used_again),
        profile_test(the_ring_is_full),
        profile_test(tables_are_full),
        profile_test(a_long_run),
        profile_test(a_loop_that_waits),
        profile_test(loops_that_work),
        profile_test(a_loop_that_waits_for_long),
        profile_test(time_goes_backwards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
