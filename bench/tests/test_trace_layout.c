/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../../probes/record.h"
#include "../trace_layout.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void layout_has_no_gaps(void **state)
{
    (void)state;
    char *text = trace_layout_json();
    json_t *layout = json_loads(text, 0, NULL), *field;
    size_t index;
    json_int_t offset = 0;
    json_array_foreach(json_object_get(layout, "record"), index, field)
    {
        assert_int_equal(json_integer_value(json_object_get(field, "offset")), offset);
        offset += json_integer_value(json_object_get(field, "bits")) / 8;
    }
    assert_int_equal(offset, RECORD_SIZE);
    assert_int_equal(index, 14);
    json_decref(layout);
    free(text);
}

static void metadata_names_every_field_and_exit(void **state)
{
    static const char *const expected[] = {"/* CTF 1.8 */\n",
                                           "major = 1",
                                           "byte_order = le",
                                           "freq = 1000000000",
                                           "clock64 timestamp;",
                                           "uint16 id;",
                                           "clock64 timestamp_begin;",
                                           "uint64 content_size;",
                                           "uint8 xsetbvs;",
                                           "id = 10;\n\tname = \"CPUID\"",
                                           "id = 65535;\n\tname = \"VM entry failed, VMfail\"",
                                           "id = 0;",
                                           "one of the target's furlongs"};
    (void)state;
    char *metadata = trace_metadata("furlongs");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        if (!strstr(metadata, expected[i]))
            fail_msg("no '%s'", expected[i]);
    assert_ptr_equal(strstr(metadata, "/* CTF 1.8 */"), metadata);
    assert_null(strstr(metadata, "uint16 reason;")); /* is the event id */
    free(metadata);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_has_no_gaps),
        cmocka_unit_test(metadata_names_every_field_and_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
