/* SPDX-License-Identifier: MIT */
/*
 * The ring as the exit path fills it: the macro that closes a record is the image's own, from
 * stamp.inc by commit.S. At each fill, and behind the last place: what is kept stays as it was,
 * what is not is counted, and together they are what was written.
 */
#include "../ring.h"

#include "../../core/tests/tests.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROOM    8u /* records of 64 bytes, spare one included; half as many wide ones */
#define WRITTEN (3 * ROOM)

/* Each closes one record, full of the mark, and returns where it lies then. */
typedef struct record *commit(uint64_t mark);
commit commit_stamps, commit_full, commit_hardware;

static const struct level {
    unsigned level;
    commit *commit;
    bool counts;
} levels[] = {
    {PROBE_STAMPS, commit_stamps, false},
    {PROBE_FULL, commit_full, true},
    {PROBE_HARDWARE, commit_hardware, true},
};

static struct {
    struct packet_header header;
    uint8_t records[ROOM * RECORD_SIZE];
    uint8_t behind[2 * RECORD_SIZE];
} ring __attribute__((aligned(64)));

static struct probe_cpu cpu;

static int fresh(void **state)
{
    (void)state;
    memset(&cpu, 0, sizeof(cpu));
    memset(&ring, 0xee, sizeof(ring));
    return (int)syscall(SYS_arch_prctl, ARCH_SET_GS, &cpu);
}

static void open_for(const struct level *level)
{
    memset(ring.records, 0xee, sizeof(ring.records));
    ring_open(&cpu, &ring, sizeof(ring.header) + sizeof(ring.records),
              (struct packet_origin){.probe_level = level->level}, 1);
}

static struct record *record_at(const struct level *level, uint32_t number)
{
    return (struct record *)(ring.records + number * probe_record_size(level->level));
}

static void expect_record(const struct level *level, const struct record *record, uint64_t mark,
                          struct probe_counts counts)
{
    struct wide_record expected;
    uint64_t *quadwords = (uint64_t *)&expected;

    for (size_t i = 0; i < sizeof(expected) / sizeof(*quadwords); i++)
        quadwords[i] = mark;
    struct record *first = (struct record *)&expected;
    first->flags = RECORD_LEFT;
    if (level->counts)
        memcpy(&first->vmreads, &counts, sizeof(counts));
    assert_memory_equal(record, &expected, probe_record_size(level->level));
}

static uint64_t mark_of(uint32_t number)
{
    return 0x0123456789abcdefull * (number + 1);
}

/* The counts are copied whole, whatever they hold: one that has wrapped changes no other. */
static struct probe_counts counts_of(uint32_t number)
{
    static const struct probe_counts counts[] = {
        {0},
        {UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT8_MAX, UINT8_MAX},
        {.vmwrites = 1},
        {.vmreads = UINT16_MAX},
    };
    struct probe_counts of = counts[number % COUNT_OF(counts)];
    of.vmreads++;
    return of;
}

/* All of them kept, each as it was written. */
static void expect_kept(const struct level *level, uint32_t kept)
{
    for (uint32_t i = 0; i < kept; i++)
        expect_record(level, record_at(level, i), mark_of(i), counts_of(i));
}

static void fill(const struct level *level, uint32_t written, uint64_t *discarded_before)
{
    const uint32_t places = (uint32_t)(sizeof(ring.records) / probe_record_size(level->level)) - 1;

    open_for(level);
    for (uint32_t i = 0; i < written; i++) {
        uint32_t kept = i < places ? i : places;
        cpu.counts = counts_of(i);
        assert_ptr_equal(cpu.next, record_at(level, kept));
        assert_ptr_equal(level->commit(mark_of(i)), record_at(level, kept));
        expect_kept(level, kept);
        if (i >= places)
            expect_record(level, cpu.end, mark_of(i), counts_of(i));
        assert_int_equal(cpu.discarded, i >= places ? i + 1 - places : 0);
    }
    uint32_t kept = written < places ? written : places;
    *discarded_before += written - kept;
    assert_int_equal(kept + cpu.discarded, written);
    assert_int_equal(ring_close(&cpu, 2), kept);
    assert_int_equal(ring.header.events_discarded, *discarded_before);
    assert_int_equal(ring.header.content_size,
                     8 * (sizeof(ring.header) + kept * probe_record_size(level->level)));
    assert_int_equal(ring.header.packet_size, ring.header.content_size);
    expect_kept(level, kept);
    for (size_t i = 0; i < sizeof(ring.behind); i++)
        assert_int_equal(ring.behind[i], 0xee);
}

/* The sum over the stream passes 2^64 on the way: readers take differences. */
static void every_fill(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        uint64_t narrow = UINT64_MAX - 40, wide = UINT64_MAX - 40;
        cpu.discarded_before = narrow;
        cpu.wide_discarded_before = wide;
        for (uint32_t written = 0; written <= WRITTEN; written++)
            fill(&levels[i], written, levels[i].level == PROBE_HARDWARE ? &wide : &narrow);
        assert_true(narrow < UINT64_MAX / 2 || wide < UINT64_MAX / 2);
        assert_int_equal(cpu.discarded_before, narrow);
        assert_int_equal(cpu.wide_discarded_before, wide);
    }
}

/* Who makes room as profile_fold.c does: the spare record becomes the first. */
static uint32_t emptied;
static const struct level *emptied_at;

static struct record *make_room(struct record *spare)
{
    assert_ptr_equal(spare, cpu.end);
    emptied += (uint32_t)(((uintptr_t)spare - (uintptr_t)ring.records) /
                          probe_record_size(emptied_at->level));
    memcpy(ring.records, spare, probe_record_size(emptied_at->level));
    cpu.next = record_at(emptied_at, 1);
    return record_at(emptied_at, 0);
}

static void nothing_is_lost_where_room_is_made(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        open_for(emptied_at = &levels[i]);
        cpu.full = make_room;
        emptied = 0;
        for (uint32_t n = 0; n < 10 * ROOM; n++) {
            cpu.counts = counts_of(n);
            struct record *record = levels[i].commit(mark_of(n));
            assert_true(cpu.next <= cpu.end);
            assert_ptr_equal((char *)record + probe_record_size(levels[i].level), cpu.next);
            expect_record(&levels[i], record, mark_of(n), counts_of(n));
        }
        assert_int_equal(cpu.discarded, 0);
        assert_true(emptied > ROOM);
        assert_int_equal(emptied + ring_close(&cpu, 2), 10 * ROOM);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(every_fill, fresh),
        cmocka_unit_test_setup(nothing_is_lost_where_room_is_made, fresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
