/* SPDX-License-Identifier: MIT */
/* The field lists: what readers outside of C take for granted about records and packet headers. */
#include "../probe_cpu.h"

#include "../../core/tests/tests.h"

#include <stdio.h>

struct field {
    const char *name;
    size_t bits, offset, size;
};

static const struct field record_fields[] = {
#define RECORD_FIELD(bits, name, unit, description) \
    {#name, bits, offsetof(struct record, name), sizeof(((struct record *)NULL)->name)},
#include "../record_fields.h"
#undef RECORD_FIELD
};

static const struct field packet_fields[] = {
#define PACKET_FIELD(bits, name, part, description)     \
    {#name, bits, offsetof(struct packet_header, name), \
     sizeof(((struct packet_header *)NULL)->name)},
#include "../packet_fields.h"
#undef PACKET_FIELD
};

static const struct field wide_fields[] = {
#define WIDE_FIELD(bits, name, unit, description)                   \
    {#name, bits, offsetof(struct wide_record, name) - RECORD_SIZE, \
     sizeof(((struct wide_record *)NULL)->name)},
#include "../wide_fields.h"
#undef WIDE_FIELD
};

/* No hole anywhere: a reader that adds up the widths arrives at every offset. */
static void dense_and_aligned(const struct field *fields, size_t count)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(fields[i].offset, at);
        assert_int_equal(fields[i].size * 8, fields[i].bits);
        assert_int_equal(at % fields[i].size, 0);
        at += fields[i].size;
    }
    assert_int_equal(at, RECORD_SIZE);
}

static void record_is_dense(void **state)
{
    (void)state;
    dense_and_aligned(record_fields, COUNT_OF(record_fields));
    assert_string_equal(record_fields[0].name, "entered");
    assert_string_equal(record_fields[1].name, "reason");
}

static void packet_header_is_dense(void **state)
{
    (void)state;
    dense_and_aligned(packet_fields, COUNT_OF(packet_fields));
    assert_string_equal(packet_fields[0].name, "magic");
}

/* entry.S stores PROBE_EVENTS counters behind one another, from the first of each point on. */
static void the_wide_line_is_dense(void **state)
{
    static const char *const points[] = {"guest", "entered", "dispatched", "handled", "entering"};
    (void)state;
    dense_and_aligned(wide_fields, COUNT_OF(wide_fields));
    assert_string_equal(wide_fields[0].name, "exited");
    assert_int_equal(COUNT_OF(wide_fields), 1 + COUNT_OF(points) * PROBE_EVENTS);
    for (unsigned point = 0; point < COUNT_OF(points); point++)
        for (unsigned event = 0; event < PROBE_EVENTS; event++) {
            char name[32];
            snprintf(name, sizeof(name), "%s_%u", points[point], event);
            assert_string_equal(wide_fields[1 + PROBE_EVENTS * point + event].name, name);
        }
}

/* entry.S stores the whole exit reason by one 32-bit MOV, and the counts by one of 64 bits. */
static void fields_written_together(void **state)
{
    (void)state;
    assert_int_equal(offsetof(struct record, reason_flags), offsetof(struct record, reason) + 2);
    assert_int_equal(offsetof(struct record, vmwrites) - offsetof(struct record, vmreads),
                     offsetof(struct probe_counts, vmwrites));
    assert_int_equal(offsetof(struct record, msr_accesses) - offsetof(struct record, vmreads),
                     offsetof(struct probe_counts, msr_accesses));
    assert_int_equal(offsetof(struct record, xsetbvs) - offsetof(struct record, vmreads),
                     offsetof(struct probe_counts, xsetbvs));
    assert_int_equal(offsetof(struct record, invalidations) - offsetof(struct record, vmreads),
                     offsetof(struct probe_counts, invalidations));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(record_is_dense),
        cmocka_unit_test(packet_header_is_dense),
        cmocka_unit_test(the_wide_line_is_dense),
        cmocka_unit_test(fields_written_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
