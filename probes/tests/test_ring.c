/* SPDX-License-Identifier: MIT */
/* The ring from open to close; write_record() does what PROBE_COMMIT of stamp.inc does. */
#include "../ring.h"

#include "../../core/tests/tests.h"

#include <string.h>

#define RECORDS 8u

static struct {
    struct packet_header header;
    struct record records[RECORDS]; /* the last is the spare one */
    struct record behind;
} memory __attribute__((aligned(64)));

static struct probe_cpu cpu;

static int fresh(void **state)
{
    (void)state;
    memset(&cpu, 0, sizeof(cpu));
    memset(&memory, 0xee, sizeof(memory));
    return 0;
}

static void open_at(uint64_t now)
{
    struct packet_origin origin = {.cpu_id = 1, .job = 2, .phase = 3, .probe_level = PROBE_STAMPS};
    ring_open(&cpu, &memory, (1 + RECORDS) * RECORD_SIZE, origin, now);
}

static void write_record(uint64_t mark)
{
    cpu.next->detail = mark;
    if (cpu.next == cpu.end)
        cpu.discarded++;
    else
        cpu.next++;
}

static void header(uint32_t records, uint64_t discarded)
{
    const struct packet_header *h = &memory.header;
    assert_int_equal(h->magic, 0xc1fc1fc1);
    assert_int_equal(h->stream_id, 0);
    assert_int_equal(h->timestamp_begin, 100);
    assert_int_equal(h->timestamp_end, 200);
    assert_int_equal(h->content_size, (1 + records) * 512);
    assert_int_equal(h->packet_size, (1 + records) * 512);
    assert_int_equal(h->events_discarded, discarded);
    assert_int_equal(h->cpu_id, 1);
    assert_int_equal(h->job, 2);
    assert_int_equal(h->phase, 3);
    assert_int_equal(h->probe_level, PROBE_STAMPS);
}

static void opened(void **state)
{
    (void)state;
    cpu.counts = (struct probe_counts){.vmreads = 5, .invalidations = 1};
    cpu.discarded = 9;
    open_at(100);
    assert_ptr_equal(cpu.packet, &memory.header);
    assert_ptr_equal(cpu.next, &memory.records[0]);
    assert_ptr_equal(cpu.end, &memory.records[RECORDS - 1]);
    assert_int_equal(cpu.discarded, 0);
    assert_int_equal(cpu.counts.vmreads, 0);
    assert_int_equal(cpu.counts.invalidations, 0);
    for (size_t i = 0; i < sizeof(memory.records); i++)
        assert_int_equal(((uint8_t *)memory.records)[i], 0xee);
}

static void closed_empty(void **state)
{
    (void)state;
    open_at(100);
    assert_int_equal(ring_close(&cpu, 200), 0);
    header(0, 0);
    assert_null(cpu.packet);
}

static void every_fill(void **state)
{
    (void)state;
    for (uint32_t written = 0; written <= 20; written++) {
        uint32_t kept = written < RECORDS ? written : RECORDS - 1;
        fresh(state);
        open_at(100);
        for (uint32_t i = 0; i < written; i++)
            write_record(i);
        assert_int_equal(cpu.discarded, written - kept);
        assert_int_equal(ring_close(&cpu, 200), kept);
        header(kept, written - kept);
        for (uint32_t i = 0; i < kept; i++)
            assert_int_equal(memory.records[i].detail, i);
        assert_int_equal(memory.behind.detail, 0xeeeeeeeeeeeeeeee);
    }
}

/* CTF 1.8 counts discarded events over the stream; cpu->discarded counts them by packet. */
static void discarded_is_cumulative(void **state)
{
    static const uint32_t written[] = {3, 10, 7, 0, 9};
    static const uint64_t total[] = {0, 3, 3, 3, 5};
    (void)state;
    for (size_t packet = 0; packet < COUNT_OF(written); packet++) {
        open_at(100);
        for (uint32_t i = 0; i < written[packet]; i++)
            write_record(i);
        uint32_t kept = ring_close(&cpu, 200);
        header(kept, total[packet]);
        assert_int_equal(kept + cpu.discarded, written[packet]);
    }
}

static void smallest_ring(void **state)
{
    struct packet_origin origin = {0};
    (void)state;
    ring_open(&cpu, &memory, 3 * RECORD_SIZE, origin, 0);
    assert_ptr_equal(cpu.end, cpu.next + 1);
    write_record(1);
    write_record(2);
    assert_int_equal(ring_close(&cpu, 1), 1);
    assert_int_equal(memory.header.events_discarded, 1);
}

/* Wide records take twice the room, and their losses are another stream's. */
static void wide_records(void **state)
{
    struct packet_origin origin = {.probe_level = PROBE_HARDWARE};
    (void)state;
    cpu.discarded_before = 7;
    ring_open(&cpu, &memory, (1 + RECORDS) * RECORD_SIZE, origin, 100);
    assert_int_equal(memory.header.stream_id, 1);
    assert_ptr_equal(cpu.end, &memory.records[RECORDS - 2]);
    for (uint32_t i = 0; i < RECORDS; i++) {
        if (cpu.next == cpu.end)
            cpu.discarded++;
        else
            cpu.next += 2;
    }
    assert_int_equal(ring_close(&cpu, 200), RECORDS / 2 - 1);
    assert_int_equal(memory.header.content_size, (1 + RECORDS - 2) * 512);
    assert_int_equal(memory.header.packet_size, (1 + RECORDS - 2) * 512);
    assert_int_equal(memory.header.events_discarded, RECORDS / 2 + 1);
    assert_int_equal(cpu.discarded_before, 7);
    ring_open(&cpu, &memory, 2 * RECORD_SIZE + 3 * RECORD_SIZE + RECORD_SIZE - 1, origin, 0);
    assert_ptr_equal(cpu.end, cpu.next + 2); /* what is no whole wide record is left alone */
    ring_close(&cpu, 1);
}

/* Bytes that make no whole record are left alone. */
static void a_rest_is_not_used(void **state)
{
    struct packet_origin origin = {0};
    (void)state;
    ring_open(&cpu, &memory, 4 * RECORD_SIZE - 1, origin, 0);
    assert_ptr_equal(cpu.end, cpu.next + 1);
    ring_close(&cpu, 1);
}

#define ring_test(function) cmocka_unit_test_setup(function, fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ring_test(opened),        ring_test(closed_empty),
        ring_test(every_fill),    ring_test(discarded_is_cumulative),
        ring_test(smallest_ring), ring_test(a_rest_is_not_used),
        ring_test(wide_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
