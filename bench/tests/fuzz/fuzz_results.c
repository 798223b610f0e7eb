/* SPDX-License-Identifier: MIT */
/*
 * The reader of the results region under libFuzzer, and that of the notes of a capture: `make
 * fuzz`. A region of zeroes and noise does not get beyond its magic, so the input is what to change
 * in a sound one: the first byte says of which run, then eight bytes each where and to what. What
 * is taken is all there, adds up, and can be written down as a run.
 */
#include "../../calibration.h"
#include "../../events_json.h"
#include "../../facts_json.h"
#include "../../notes.h"
#include "../../phase_json.h"
#include "../../results.h"
#include "../../text.h"
#include "../../validity.h"
#include "../../verdict.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES 3u
#define NOTES   0xff /* the first byte: the rest is notes */

/* A run at a probe level, of one round or two, and the region that it leaves. */
struct sound {
    struct experiment experiment;
    uint8_t *region;
};

static struct benchmark benchmarks[] = {
    {.name = "cpuid", .row = {.exits = {{.reason = 10, .times = 1}}, .twice = 1}},
    {.name = "check/x", .row = {.flags = ROW_CHECK}},
    {.name = "root/vmread", .row = {.flags = ROW_ROOT}},
};
static struct plan_group group = {
    .events = {{{.kind = PLAN_EVENT_GENERAL}}, {{.kind = PLAN_EVENT_FIXED}}}};
static struct sound sounds[2 * PROBE_LEVELS];

#define require(holds)                                      \
    do {                                                    \
        if (!(holds)) {                                     \
            fprintf(stderr, "does not hold: %s\n", #holds); \
            abort();                                        \
        }                                                   \
    } while (0)

static void fill_phase(const struct sound *sound, uint32_t index, enum phase phase)
{
    const struct job *job = &sound->experiment.jobs[index];
    const struct phase_places at = phase_places(&job->plan, phase);
    struct job_result *result = (void *)(sound->region + job->plan.results_offset);
    uint32_t level = benchmark_is_root(job->benchmark) ? PROBE_OFF : phase_level(&job->plan, phase);
    uint32_t operations = phase == PHASE_TWICE ? 2 : phase == PHASE_COUNT_OP || phase == PHASE_OP;
    uint32_t samples = phase_samples(&job->plan, phase), rounds = phase_rounds(&job->plan, phase);
    uint32_t records = job->benchmark == benchmarks ? samples * operations + 1 : 1;
    struct phase_result *out = &result->phases[phase];

    *out = (struct phase_result){.samples = samples, .samples_offset = at.samples};
    for (uint32_t i = 0; i < samples; i++)
        ((struct sample *)(void *)(sound->region + at.samples))[i] =
            (struct sample){1000 * i, 1000 * i + 50 + operations};
    if (level >= PROBE_STAMPS) {
        struct packet_header *packet = (void *)(sound->region + at.packet);
        out->packet_offset = at.packet;
        out->records = records;
        *packet = (struct packet_header){.magic = PACKET_MAGIC,
                                         .stream_id = probe_stream(level),
                                         .job = index,
                                         .phase = (uint32_t)phase,
                                         .probe_level = level};
        packet->content_size = packet->packet_size =
            8 * (sizeof(*packet) + records * (uint64_t)probe_record_size(level));
        for (uint32_t i = 0; i < records; i++)
            *(struct record *)((uint8_t *)(packet + 1) + i * probe_record_size(level)) =
                (struct record){.reason = i + 1 == records ? 18 : 10,
                                .flags = i + 1 == records ? RECORD_LEFT : 0};
    }
    if (level == PROBE_COUNTS) {
        struct probe_totals *totals = (void *)(sound->region + at.totals);
        out->totals_offset = at.totals;
        totals->exits[10] = (uint64_t)(records - 1) * rounds;
        totals->exits[18] = rounds;
    }
    if (phase_folded_size(&job->plan, phase)) {
        struct phase_folded *folded = (void *)(sound->region + at.folded);
        out->folded_offset = at.folded;
        folded->rounds = rounds;
        folded->samples = (uint64_t)rounds * samples;
        folded->records = level >= PROBE_STAMPS ? rounds * records : 0;
        folded->totals.exits[10] = rounds * (records - 1);
        folded->totals.exits[18] = rounds;
        for (uint32_t i = 0; i < rounds * samples; i++)
            histogram_add(&folded->round_trip, 50 + operations);
    }
}

static void fill(const struct sound *sound)
{
    const struct experiment *experiment = &sound->experiment;

    *(struct results_header *)(void *)sound->region =
        (struct results_header){.magic = RESULTS_MAGIC,
                                .version = RESULTS_VERSION,
                                .status = RESULT_DONE,
                                .job_count = (uint32_t)experiment->job_count,
                                .jobs_done = (uint32_t)experiment->job_count};
    for (uint32_t i = 0; i < experiment->job_count; i++) {
        const struct plan_job *job = &experiment->jobs[i].plan;
        struct job_result *result = (void *)(sound->region + job->results_offset);
        *result = (struct job_result){.status = RESULT_DONE,
                                      .job = i,
                                      .probe_level = job->probe_level,
                                      .validity.verdict = VALIDITY_JUDGED};
        strcpy(result->validity.clocks_absent, "no clocks");
        strcpy(result->validity.smis_absent, "no count");
        if (job->group)
            for (unsigned side = 0; side < PLAN_SIDES; side++)
                ((struct events_result *)(void *)((uint8_t *)result + EVENTS_OFFSET))
                    ->events[side][0] = (struct event_result){
                    .state = job->probe_level == PROBE_PMU ? EVENT_COUNTED : EVENT_ABSENT,
                    .mask = 0xffffffffffff,
                    .absent = {job->probe_level == PROBE_PMU ? '\0' : 'x'}};
        for (int phase = 0; phase < PHASE_COUNT; phase++)
            fill_phase(sound, i, (enum phase)phase);
    }
}

static const struct sound *sound_of(uint8_t which)
{
    unsigned level = which % PROBE_LEVELS, rounds = 1 + which / PROBE_LEVELS % 2;
    struct sound *sound = &sounds[level + PROBE_LEVELS * (rounds - 1)];
    struct experiment *experiment = &sound->experiment;
    struct policy_error error;

    if (sound->region)
        return sound;
    experiment->benchmarks = zeroed(3, sizeof(*experiment->benchmarks));
    for (size_t i = 0; i < 3; i++)
        experiment->benchmarks[experiment->benchmark_count++] = &benchmarks[i];
    experiment->policies = zeroed(2, sizeof(*experiment->policies));
    experiment->policy_count = 1;
    require(policy_compile("p", "", 0, &experiment->policies[0], &error) == 0);
    experiment->samples = SAMPLES;
    experiment->count_samples = SAMPLES - 1;
    experiment->repetitions = 1;
    experiment->rounds = rounds;
    experiment->cpus = 1;
    experiment->probe_level = (int)level;
    if (level == PROBE_PMU) {
        experiment->pmu.groups = &group;
        experiment->pmu.group_count = 1;
    }
    experiment_make_jobs(experiment, "bochs");
    experiment_lay_out(experiment);
    sound->region = zeroed(1, experiment->results_size);
    fill(sound);
    return sound;
}

/* Where a change may go: one structure of the region, and how much of it there is. */
static struct bytes area(const struct sound *sound, uint8_t *region, uint8_t what, uint8_t which)
{
    const struct plan_job *job = &sound->experiment.jobs[which % sound->experiment.job_count].plan;
    const struct phase_places at = phase_places(job, (enum phase)(which / 8 % PHASE_COUNT));
    const uint64_t end = sound->experiment.results_size;
    const struct {
        uint64_t at, size;
    } places[] = {
        {0, sizeof(struct results_header)},
        {job->results_offset, sizeof(struct job_result)},
        {at.packet, sizeof(struct packet_header)},
        {at.packet + sizeof(struct packet_header), 8 * sizeof(struct wide_record)},
        {at.samples, SAMPLES * sizeof(struct sample)},
        {at.totals, sizeof(struct probe_totals)},
        {at.folded, offsetof(struct phase_folded, round_trip) + 8 * sizeof(uint64_t)},
        {job->results_offset + EVENTS_OFFSET, sizeof(struct events_result)},
    };
    uint64_t from = places[what % 8].at, size = places[what % 8].size;

    return from >= end ? (struct bytes){region, 1}
                       : (struct bytes){region + from, size < end - from ? size : end - from};
}

/* what, which, where (two bytes), value (four, as a number of eight, of four, or of one). */
static void change(const struct sound *sound, uint8_t *region, const uint8_t *data, size_t size)
{
    for (; size >= 8; data += 8, size -= 8) {
        const struct bytes place = area(sound, region, data[0], data[1]);
        size_t at = (data[2] | (size_t)data[3] << 8) % place.size;
        int32_t value;
        memcpy(&value, data + 4, sizeof(value));
        int64_t wide = data[0] & 0x20 ? (int64_t)value * (1LL << 32) : value;
        size_t width = data[0] & 0x80 ? 8 : data[0] & 0x40 ? 1 : 4;
        at -= data[0] & 0x10 ? 0 : at % width;
        memcpy((uint8_t *)(size_t)place.data + at, &wide,
               width < place.size - at ? width : place.size - at);
    }
}

/* All of it is read: the sanitizer looks whether it is there. */
static uint64_t sum(const void *data, uint64_t size)
{
    uint64_t found = 0;
    for (uint64_t i = 0; i < size; i++)
        found += ((const uint8_t *)data)[i];
    return found;
}

static volatile uint64_t seen; /* so that no reading is left out */

static void add_up(const struct phase_outcome *phase)
{
    uint64_t read = sum(phase->sample, phase->samples * sizeof(struct sample));

    if (phase->packet)
        read += sum(phase->packet, sizeof(struct packet_header) +
                                       phase->records * (uint64_t)probe_record_size(phase->level));
    if (phase->totals)
        read += sum(phase->totals, sizeof(*phase->totals));
    if (phase->folded)
        read += sum(phase->folded, sizeof(*phase->folded));
    seen = read;
    if (!phase->folded)
        return;
    require(phase->folded->samples == phase->operations);
    require(phase->folded->round_trip.count == phase->operations);
    require(phase->folded->round_trip.min <= phase->folded->round_trip.max);
}

static void write_down(json_t *json)
{
    char *dump = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    require(dump != NULL);
    free(dump);
    json_decref(json);
}

static void look_at(const struct experiment *experiment, const struct job *job,
                    const struct job_outcome *outcome)
{
    static const struct job_place nowhere;

    require(outcome->status <= RESULT_FAILED);
    require(outcome->status == RESULT_DONE || outcome->status == RESULT_SKIPPED ||
            outcome->status == RESULT_FAILED || outcome->reason[0]);
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (outcome->status == RESULT_DONE)
            add_up(&outcome->phases[phase]);
    if (outcome->status == RESULT_DONE && !benchmark_is_check(job->benchmark))
        require(outcome->phases[PHASE_OP].samples == SAMPLES && outcome->has_digest &&
                outcome->digest.min <= outcome->digest.p50 &&
                outcome->digest.p50 <= outcome->digest.max);
    require(!outcome->has_exits || outcome->exit_operations > 0);
    write_down(phases_json(outcome, &nowhere));
    write_down(validity_json(&outcome->validity));
    write_down(fact_controls(&outcome->controls));
    write_down(events_json(experiment, job, outcome));
    write_down(json_pack("{s:s, s:s}", "reason", outcome->reason, "lowered", outcome->lowered));
}

static void read_region(const uint8_t *data, size_t size)
{
    const struct sound *sound = sound_of(data[0]);
    const struct experiment *experiment = &sound->experiment;
    const struct target target = {.name = "bochs", .unit = data[0] & 0x40 ? "ticks" : "cycles"};
    const struct run_facts facts = {.cpu_model = "x", .target = &target};
    uint8_t *copy = aligned_alloc(64, experiment->results_size);
    struct results results;
    size_t bad = 0;

    require(copy != NULL && experiment->results_size % 64 == 0);
    memcpy(copy, sound->region, experiment->results_size);
    change(sound, copy, data + 1, size - 1);
    const struct bytes region = {copy, experiment->results_size};
    results_read(experiment, &region, &results);
    for (size_t i = 0; i < experiment->job_count; i++) {
        look_at(experiment, &experiment->jobs[i], &results.jobs[i]);
        bad += results.jobs[i].status == RESULT_FAILED || results.jobs[i].status == RESULT_NOT_RUN;
    }
    require(results.readable || bad == experiment->job_count);
    require(!bad == !results.reason[0] || results.header.status == RESULT_FAILED ||
            results.header.status == RESULT_NOT_RUN);
    require(size > 8 || !bad);
    write_down(
        json_pack("{s:s, s:s}", "reason", results.reason, "compiler", results.header.compiler));
    write_down(fact_machine(&facts, results.readable ? &results.header.machine : NULL));
    write_down(calibration_json(experiment, &results));
    results_free(&results);
    free(copy);
}

static void read_notes(const char *data, size_t size)
{
    struct notes notes;
    char *error;

    if (notes_read(data, size, &notes, &error) == 0) {
        require(strlen(notes.core_sha256) == SHA256_TEXT - 1 && notes.options);
        for (char **option = notes.options; *option; option++)
            require(strncmp(*option, "--", 2) == 0 && strchr(*option, '='));
        for (size_t i = 0; i < notes.policy_count; i++)
            require(notes.levels[i] < PROBE_LEVELS);
        notes_free(&notes);
    } else {
        require(error && error[0]);
        free(error);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] == NOTES)
        read_notes((const char *)data + 1, size - 1);
    else if (size)
        read_region(data, size);
    return 0;
}
