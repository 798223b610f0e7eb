/* SPDX-License-Identifier: MIT */
#include "corpus_json.h"

static const char *kind_of(const struct benchmark *benchmark)
{
    if (benchmark_is_check(benchmark))
        return "check";
    return benchmark->row.flags & ROW_CALIBRATION ? "calibration" : "benchmark";
}

json_t *benchmark_json(const struct benchmark *benchmark)
{
    const struct blob_row *row = &benchmark->row;
    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s, s:I, s:I, s:s}", "name", benchmark->name,
                     "kind", kind_of(benchmark), "description", benchmark->description,
                     "instruction", benchmark->instruction, "exit_reason",
                     (json_int_t)row->exit_reason, "gate", gate_name(row->gate), "gate_index",
                     (json_int_t)row->gate_index, "gate_width", (json_int_t)row->gate_width, "stub",
                     row->flags & ROW_FLOOR ? "floor" : "general");
}
