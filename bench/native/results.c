/* SPDX-License-Identifier: MIT */
#include "results.h"

#include "../text.h"
#include "../validity.h"

#include <stdlib.h>
#include <string.h>

#define CPUID 10u /* basic exit reason */

/* The clock of the made-up machine, and how far an exit takes it. */
struct clock {
    uint64_t now;
    uint32_t state;
};

static uint64_t step(struct clock *clock, uint32_t least)
{
    clock->state = clock->state * 1664525u + 1013904223u;
    return clock->now += least + (clock->state >> 28);
}

static struct record make_record(struct clock *clock, bool left)
{
    struct record record = {
        .entered = step(clock, 9),
        .reason = CPUID,
        .flags = RECORD_HAS_COUNTS | (left ? RECORD_LEFT : 0),
        .dispatched = step(clock, 20),
        .handled = step(clock, 30),
        .vmreads = 4,
        .vmwrites = 1,
    };
    record.entering = left ? 0 : step(clock, 17);
    return record;
}

static void fill_phase(struct made_up *run, uint8_t *region, struct clock *clock, enum phase phase)
{
    const struct plan_job *job = &run->experiment.jobs[0].plan;
    struct job_result *result = (void *)(region + job->results_offset);
    const struct phase_places at = phase_places(job, phase);
    bool exits = phase_code(phase) == GUEST_OP;
    uint32_t samples = phase_samples(job, phase), records = exits ? samples : 0;
    struct packet_header *header = (void *)(region + at.packet);
    struct record *record = (void *)(header + 1);
    struct sample *sample = (void *)(region + at.samples);

    *header = (struct packet_header){
        .magic = PACKET_MAGIC, .phase = (uint32_t)phase, .timestamp_begin = clock->now};
    for (uint32_t i = 0; i < samples; i++) {
        sample[i].start = step(clock, 5);
        if (exits)
            record[i] = make_record(clock, false);
        sample[i].end = step(clock, 8);
    }
    record[records] = make_record(clock, true);
    header->timestamp_end = clock->now;
    header->content_size = header->packet_size = (1 + records + 1) * 64ull * 8;
    result->phases[phase] = (struct phase_result){.samples = samples,
                                                  .records = records + 1,
                                                  .packet_offset = at.packet,
                                                  .samples_offset = at.samples};
    run->records += records + 1;
    run->samples += samples;
}

void made_up_make(struct made_up *run, uint32_t samples)
{
    struct experiment *experiment = &run->experiment;
    struct policy_error error;
    struct clock clock = {.now = 1000, .state = 1};

    *run = (struct made_up){
        .benchmark = {.name = "cpuid", .row = {.exits = {{.reason = CPUID, .times = 1}}}}};
    *experiment = (struct experiment){.samples = samples,
                                      .count_samples = 100,
                                      .repetitions = 1,
                                      .rounds = 1,
                                      .cpus = 1,
                                      .probe_level = -1};
    experiment->benchmarks = zeroed(1, sizeof(*experiment->benchmarks));
    experiment->benchmarks[experiment->benchmark_count++] = &run->benchmark;
    experiment->policies = zeroed(2, sizeof(*experiment->policies));
    experiment->policy_count = 1;
    if (policy_compile("p", "", 0, &experiment->policies[0], &error) < 0)
        abort();
    experiment_make_jobs(experiment, "bochs");
    experiment_lay_out(experiment);

    uint8_t *region = zeroed(1, experiment->results_size);
    struct results_header header = {.magic = RESULTS_MAGIC,
                                    .version = RESULTS_VERSION,
                                    .status = RESULT_DONE,
                                    .job_count = 1,
                                    .jobs_done = 1};
    struct job_result result = {.status = RESULT_DONE,
                                .probe_level = experiment->jobs[0].plan.probe_level,
                                .validity.verdict = VALIDITY_JUDGED};
    memcpy(region, &header, sizeof(header));
    memcpy(region + experiment->jobs[0].plan.results_offset, &result, sizeof(result));
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        fill_phase(run, region, &clock, (enum phase)phase);
    run->region = (struct bytes){region, experiment->results_size};
}

void made_up_free(struct made_up *run)
{
    free((void *)(uintptr_t)run->region.data);
    experiment_free(&run->experiment);
}
