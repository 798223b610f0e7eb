/* SPDX-License-Identifier: MIT */
#include "corpus_json.h"

#include "row_exits.h"

static const char *kind_of(const struct benchmark *benchmark)
{
    if (benchmark_is_check(benchmark))
        return "check";
    if (benchmark_is_root(benchmark))
        return "root";
    return benchmark->row.flags & ROW_CALIBRATION ? "calibration" : "benchmark";
}

static json_t *controls_named(const uint8_t *controls, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        if (controls[i])
            json_array_append_new(list, json_string(row_control_name(controls[i])));
    return list;
}

static json_t *exit_json(const struct row_exit *exit)
{
    return json_pack("{s:I, s:I, s:s, s:I, s:I, s:o, s:o}", "reason", (json_int_t)exit->reason,
                     "times", (json_int_t)exit->times, "gate", gate_name(exit->gate), "index",
                     (json_int_t)exit->index, "width", (json_int_t)exit->width, "when_on",
                     controls_named(exit->when_on, sizeof(exit->when_on)), "when_off",
                     controls_named(exit->when_off, sizeof(exit->when_off)));
}

json_t *benchmark_json(const struct benchmark *benchmark)
{
    const struct blob_row *row = &benchmark->row;
    json_t *exits = json_array();
    for (unsigned i = 0; i < ROW_EXITS && row->exits[i].times; i++)
        json_array_append_new(exits, exit_json(&row->exits[i]));
    return json_pack("{s:s, s:s, s:s, s:s, s:o, s:s}", "name", benchmark->name, "kind",
                     kind_of(benchmark), "description", benchmark->description, "instruction",
                     benchmark->instruction, "exits", exits, "stub",
                     row->flags & ROW_FLOOR ? "floor" : "general");
}
