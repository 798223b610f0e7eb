/* SPDX-License-Identifier: MIT */
#include "import_json.h"

#include "facts_json.h"

json_t *import_json(const struct import_facts *facts)
{
    json_t *captures = json_array();

    for (size_t i = 0; i < facts->capture_count; i++)
        json_array_append_new(captures, fact_string(facts->captures[i]));
    return json_pack(
        "{s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:s, s:s}", "captures", captures, "run",
        fact_hex(16, facts->run->id), "bytes", (json_int_t)facts->scan->bytes, "bytes_outside",
        (json_int_t)facts->scan->outside, "frames", (json_int_t)facts->run->frames,
        "frames_repeated", (json_int_t)facts->run->repeated, "frames_damaged",
        (json_int_t)facts->scan->damaged, "passes", (json_int_t)facts->run->passes, "image_created",
        facts->notes->created, "image_command", facts->notes->command);
}
