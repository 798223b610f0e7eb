/* SPDX-License-Identifier: MIT */
/* Rounds folded into sums and histograms: totals, order, and what ends a round. */
#include "../../core/tests/tests.h"

#include "../image/fold.h"

#include "../../core/vmx/exit_reason.h"

#include <string.h>

#define RECORDS 3u

static struct phase_folded folded;
static struct sample samples[2];
static struct {
    struct packet_header header;
    struct record records[RECORDS];
} packet;

/* Two samples, an exit in each, and the exit that ends the round. */
static void make_round(uint64_t now)
{
    for (unsigned i = 0; i < RECORDS; i++) {
        packet.records[i] = (struct record){
            .entered = now + 100 * i + 10,
            .dispatched = now + 100 * i + 17,
            .handled = now + 100 * i + 37,
            .entering = now + 100 * i + 42,
            .reason = 10,
            .flags = RECORD_HAS_COUNTS,
            .vmreads = 4,
            .vmwrites = 1,
            .msr_accesses = 2,
            .xsetbvs = 3,
            .invalidations = 5,
        };
        if (i < 2)
            samples[i] = (struct sample){now + 100 * i, now + 100 * i + 50};
    }
    packet.records[2].reason = 18;
    packet.records[2].flags |= RECORD_LEFT;
    packet.records[2].entering = 0;
}

static void fold(uint64_t discarded)
{
    fold_round(&folded, samples, 2, &packet.header, RECORDS, discarded);
}

static int fresh(void **state)
{
    (void)state;
    memset(&folded, 0, sizeof(folded));
    make_round(1000);
    return 0;
}

static void everything_is_summed(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        make_round(1000 + 1000 * round);
        fold(round);
    }
    assert_int_equal(folded.rounds, 5);
    assert_int_equal(folded.samples, 10);
    assert_int_equal(folded.records, 15);
    assert_int_equal(folded.left, 5);
    assert_int_equal(folded.discarded, 10);
    assert_int_equal(folded.out_of_order, 0);
    assert_int_equal(folded.totals.exits[10], 10);
    assert_int_equal(folded.totals.exits[18], 5);
    assert_int_equal(folded.totals.vmreads, 60);
    assert_int_equal(folded.totals.vmwrites, 15);
    assert_int_equal(folded.totals.msr_accesses, 30);
    assert_int_equal(folded.totals.xsetbvs, 45);
    assert_int_equal(folded.totals.invalidations, 75);
    assert_int_equal(folded.round_trip.count, 10);
    assert_int_equal(folded.round_trip.buckets[50], 10);
    assert_int_equal(folded.save_and_dispatch.buckets[7], 10);
    assert_int_equal(folded.handler.buckets[20], 10);
    assert_int_equal(folded.restore.buckets[5], 10);
}

static void costs_that_were_not_counted_are_left_out(void **state)
{
    (void)state;
    for (unsigned i = 0; i < RECORDS; i++)
        packet.records[i].flags &= ~RECORD_HAS_COUNTS;
    fold(0);
    assert_int_equal(folded.totals.vmreads, 0);
    assert_int_equal(folded.totals.exits[10], 2);
}

static void a_phase_without_records(void **state)
{
    (void)state;
    fold_round(&folded, samples, 2, NULL, 99, 0);
    assert_int_equal(folded.records, 0);
    assert_int_equal(folded.samples, 2);
    assert_int_equal(folded.out_of_order, 0);
}

static void reasons_that_nobody_knows(void **state)
{
    (void)state;
    packet.records[0].reason = 0xffff;
    packet.records[1].reason = EXIT_REASONS; /* the first that the exit path does not look up */
    packet.records[2].reason = 33;
    packet.records[2].reason_flags = 0x8000; /* a VM entry that failed */
    fold(0);
    assert_int_equal(folded.totals.exits[PROBE_REASONS - 1], 3);
    fresh(state);
    packet.records[0].reason = EXIT_REASONS - 1;
    fold(0);
    assert_int_equal(folded.totals.exits[EXIT_REASONS - 1], 1);
}

/* The same round in wide records, with something else in what is between. */
static void wide_records(void **state)
{
    static struct {
        struct packet_header header;
        struct wide_record records[RECORDS];
    } wide;
    (void)state;
    memset(&wide, 0xee, sizeof(wide));
    wide.header.probe_level = PROBE_PMU;
    for (unsigned i = 0; i < RECORDS; i++)
        wide.records[i].record = packet.records[i];
    fold_round(&folded, samples, 2, &wide.header, RECORDS, 0);
    assert_int_equal(folded.out_of_order, 0);
    assert_int_equal(folded.totals.exits[10], 2);
    assert_int_equal(folded.totals.exits[18], 1);
    assert_int_equal(folded.handler.buckets[20], 2);
}

#define OUT_OF_ORDER(change, times)                     \
    do {                                                \
        fresh(state);                                   \
        change;                                         \
        fold(0);                                        \
        assert_int_equal(folded.out_of_order, (times)); \
    } while (0)

static void order_is_checked(void **state)
{
    OUT_OF_ORDER((void)0, 0);
    OUT_OF_ORDER(samples[1].start = samples[0].end - 1, 1);
    OUT_OF_ORDER(samples[1].end = samples[1].start - 1, 1);
    OUT_OF_ORDER(packet.records[1].entered = packet.records[0].handled, 1);
    OUT_OF_ORDER(packet.records[1].dispatched = packet.records[1].entered - 1, 1);
    OUT_OF_ORDER(packet.records[1].handled = packet.records[1].dispatched - 1, 1);
    OUT_OF_ORDER(packet.records[1].entering = packet.records[1].handled - 1, 1);
    fold(0); /* the same round again: none of it is later */
    assert_int_equal(folded.out_of_order, 1 + 2 + 3);
}

#define fold_test(function) cmocka_unit_test_setup(function, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fold_test(everything_is_summed),
        fold_test(costs_that_were_not_counted_are_left_out),
        fold_test(a_phase_without_records),
        fold_test(reasons_that_nobody_knows),
        fold_test(wide_records),
        fold_test(order_is_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
