/* SPDX-License-Identifier: MIT */
#include "phase_json.h"

#include "text.h"

#include <stdio.h>

/* Buckets with something in them: lowest value, and how many values. */
static json_t *buckets_json(const struct histogram *histogram)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        if (histogram->buckets[i])
            json_array_append_new(list, json_pack("[I, I]", (json_int_t)histogram_lowest(i),
                                                  (json_int_t)histogram->buckets[i]));
    return list;
}

/* null where nothing was counted. */
static json_t *histogram_json(const struct histogram *histogram)
{
    if (!histogram->count)
        return json_null();
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "n", (json_int_t)histogram->count, "sum",
                     (json_int_t)histogram->sum, "min", (json_int_t)histogram->min, "max",
                     (json_int_t)histogram->max, "buckets", buckets_json(histogram));
}

static json_t *exits_json(const struct probe_totals *totals)
{
    json_t *exits = json_object();
    for (unsigned i = 0; i < PROBE_REASONS; i++)
        if (totals->exits[i]) {
            char reason[12];
            snprintf(reason, sizeof(reason), "%u", i);
            json_object_set_new(exits, reason, json_integer((json_int_t)totals->exits[i]));
        }
    return exits;
}

/* stub_reads: VMREADs that the exit stub did itself, one an exit, where they are not counted in. */
static json_t *totals_json(const struct probe_totals *totals, bool stub_reads)
{
    uint64_t vmreads = totals->vmreads;
    for (unsigned i = 0; stub_reads && i < PROBE_REASONS; i++)
        vmreads += totals->exits[i];
    return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I}", "exits", exits_json(totals), "vmreads",
                     (json_int_t)vmreads, "vmwrites", (json_int_t)totals->vmwrites, "msr_accesses",
                     (json_int_t)totals->msr_accesses, "xsetbvs", (json_int_t)totals->xsetbvs,
                     "invalidations", (json_int_t)totals->invalidations);
}

static json_t *folded_json(const struct phase_folded *folded)
{
    const struct {
        const char *name;
        const struct histogram *histogram;
    } parts[] = {
        {"round_trip", &folded->round_trip},
        {"save_and_dispatch", &folded->save_and_dispatch},
        {"handler", &folded->handler},
        {"restore", &folded->restore},
    };
    json_t *histograms = json_object();
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        json_object_set_new(histograms, parts[i].name, histogram_json(parts[i].histogram));
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:o}", "rounds", (json_int_t)folded->rounds,
                     "samples", (json_int_t)folded->samples, "records", (json_int_t)folded->records,
                     "discarded", (json_int_t)folded->discarded, "totals",
                     folded->records ? totals_json(&folded->totals, false) : json_null(),
                     "histograms", histograms);
}

static json_t *phase_json(const struct phase_outcome *in, uint64_t sample, uint64_t packet)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:o, s:i, s:o, s:o}", "samples", (json_int_t)in->samples,
                     "sample_offset", (json_int_t)sample, "records", (json_int_t)in->records,
                     "discarded", (json_int_t)in->discarded, "packet_offset",
                     in->packet ? json_integer((json_int_t)packet) : json_null(), "stream",
                     (int)probe_stream(in->level), "totals",
                     in->totals ? totals_json(in->totals, true) : json_null(), "folded",
                     in->folded ? folded_json(in->folded) : json_null());
}

json_t *phases_json(const struct job_outcome *outcome, const struct job_place *place)
{
    static const char *const names[PHASE_COUNT] = {"count_control", "count_op", "control", "op"};
    json_t *phases = json_object();
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        json_object_set_new(
            phases, names[phase],
            phase_json(&outcome->phases[phase], place->sample[phase], place->packet[phase]));
    return phases;
}
