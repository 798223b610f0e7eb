/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../experiment.h"
#include "../results.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>

/* One benchmark under one policy, twice, with a few samples, and what the image would leave. */
struct fixture {
    struct benchmark benchmark;
    struct experiment experiment;
    uint8_t *region;
    struct results results;
};

#define SAMPLES 5u

static struct job_result *result_of(struct fixture *fixture, size_t job)
{
    return (void *)(fixture->region + fixture->experiment.jobs[job].plan.results_offset);
}

static struct results_header *header_of(struct fixture *fixture)
{
    return (void *)fixture->region;
}

static struct packet_header *packet_of(struct fixture *fixture, size_t job, enum phase phase)
{
    return (void *)(fixture->region + result_of(fixture, job)->phases[phase].packet_offset);
}

static struct record *record_of(struct fixture *fixture, size_t job, enum phase phase, size_t index)
{
    return (struct record *)(packet_of(fixture, job, phase) + 1) + index;
}

static void set_records(struct fixture *fixture, size_t job, enum phase phase, uint32_t records)
{
    result_of(fixture, job)->phases[phase].records = records;
    packet_of(fixture, job, phase)->content_size = (1 + records) * 512;
    packet_of(fixture, job, phase)->packet_size = (1 + records) * 512;
}

static void fill_phase(struct fixture *fixture, size_t index, enum phase phase)
{
    const struct plan_job *job = &fixture->experiment.jobs[index].plan;
    struct phase_result *result = &result_of(fixture, index)->phases[phase];
    uint32_t exits = phase == PHASE_COUNT_OP || phase == PHASE_OP ? phase_samples(job, phase) : 0;

    result->samples = phase_samples(job, phase);
    result->packet_offset = job->results_offset + phase_offset(job, phase);
    result->samples_offset = result->packet_offset + phase_packet_size(job, phase);
    *packet_of(fixture, index, phase) = (struct packet_header){
        .magic = PACKET_MAGIC, .job = (uint32_t)index, .phase = (uint32_t)phase};
    set_records(fixture, index, phase, exits + 1);
    for (uint32_t i = 0; i < exits; i++)
        record_of(fixture, index, phase, i)->reason = 10;
    record_of(fixture, index, phase, exits)->flags = RECORD_LEFT;
    struct sample *samples = (void *)(fixture->region + result->samples_offset);
    for (uint32_t i = 0; i < result->samples; i++)
        samples[i] = (struct sample){1000 * i, 1000 * i + 20 + (exits ? 50 + i : 0)};
    uint64_t behind = result->samples_offset + phase_samples_size(job, phase);
    if (phase_level(job, phase) == PROBE_OFF)
        result->packet_offset = result->records = 0;
    if (phase_totals_size(job, phase)) {
        struct probe_totals *totals = (void *)(fixture->region + behind);
        result->packet_offset = result->records = 0;
        result->totals_offset = behind;
        totals->exits[10] = (uint64_t)exits * phase_rounds(job, phase);
        totals->exits[18] = phase_rounds(job, phase);
        behind += phase_totals_size(job, phase);
    }
    if (phase_folded_size(job, phase)) {
        struct phase_folded *folded = (void *)(fixture->region + behind);
        result->folded_offset = behind;
        folded->rounds = phase_rounds(job, phase);
        folded->samples = folded->rounds * result->samples;
        folded->records = folded->rounds * result->records;
        folded->totals.exits[10] = folded->rounds * exits;
        folded->totals.exits[18] = folded->rounds;
        for (uint32_t round = 0; round < folded->rounds; round++)
            for (uint32_t i = 0; i < result->samples; i++)
                histogram_add(&folded->round_trip, samples[i].end - samples[i].start);
    }
}

/* What set_up() asks for, beside the ordinary. */
static uint32_t rounds = 1;
static int level = -1;

static int set_up(void **state)
{
    struct fixture *fixture = zeroed(1, sizeof(*fixture));
    struct experiment *experiment = &fixture->experiment;
    struct policy_error error;
    fixture->benchmark =
        (struct benchmark){.name = "cpuid", .row = {.exits = {{.reason = 10, .times = 1}}}};
    experiment->benchmarks = zeroed(1, sizeof(*experiment->benchmarks));
    experiment->benchmarks[experiment->benchmark_count++] = &fixture->benchmark;
    experiment->policies = zeroed(1, sizeof(*experiment->policies));
    experiment->policy_count = 1;
    assert_int_equal(policy_compile("p", "", 0, &experiment->policies[0], &error), 0);
    experiment->samples = SAMPLES;
    experiment->count_samples = 3;
    experiment->repetitions = 2;
    experiment->rounds = rounds;
    experiment->probe_level = level;
    experiment_make_jobs(experiment, "bochs");
    experiment_lay_out(experiment);

    fixture->region = aligned_alloc(4096, experiment->results_size);
    memset(fixture->region, 0, experiment->results_size);
    *header_of(fixture) = (struct results_header){.magic = RESULTS_MAGIC,
                                                  .version = RESULTS_VERSION,
                                                  .status = RESULT_DONE,
                                                  .job_count = 2,
                                                  .jobs_done = 2};
    for (uint32_t job = 0; job < 2; job++) {
        *result_of(fixture, job) =
            (struct job_result){.status = RESULT_DONE,
                                .job = job,
                                .probe_level = experiment->jobs[job].plan.probe_level,
                                .validity.verdict = VALIDITY_JUDGED};
        for (int phase = 0; phase < PHASE_COUNT; phase++)
            fill_phase(fixture, job, (enum phase)phase);
    }
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    results_free(&fixture->results);
    experiment_free(&fixture->experiment);
    free(fixture->region);
    free(fixture);
    return 0;
}

static void read_all(struct fixture *fixture)
{
    struct bytes region = {fixture->region, fixture->experiment.results_size};
    results_free(&fixture->results);
    results_read(&fixture->experiment, &region, &fixture->results);
}

static void sound_results(void **state)
{
    struct fixture *fixture = *state;
    read_all(fixture);
    assert_string_equal(fixture->results.reason, "");
    const struct job_outcome *job = &fixture->results.jobs[1];
    assert_int_equal(job->status, RESULT_DONE);
    assert_true(job->has_exits && job->has_digest);
    assert_int_equal(job->exits, SAMPLES);
    assert_int_equal(job->exit_operations, SAMPLES);
    assert_int_equal(job->digest.control, 20);
    assert_int_equal(job->digest.min, 50);
    assert_int_equal(job->digest.max, 54);
}

static void counting_phases_stand_in_for_probes_off(void **state)
{
    struct fixture *fixture = *state;
    for (int phase = PHASE_CONTROL; phase <= PHASE_OP; phase++) {
        result_of(fixture, 0)->phases[phase].records = 0;
        result_of(fixture, 0)->phases[phase].packet_offset = 0;
    }
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].status, RESULT_DONE);
    assert_int_equal(fixture->results.jobs[0].exit_operations, 3);
    assert_null(fixture->results.jobs[0].phases[PHASE_OP].packet);
}

static void discarded_records_count_as_exits(void **state)
{
    struct fixture *fixture = *state;
    set_records(fixture, 0, PHASE_OP, 2); /* the rest, the last exit included, found no room */
    result_of(fixture, 0)->phases[PHASE_OP].discarded = SAMPLES + 1 - 2;
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].exits, SAMPLES);
    assert_int_equal(fixture->results.jobs[0].status, RESULT_DONE);
}

/* Another fixture, read, with so many rounds at a level. */
static struct fixture *again(void **state, uint32_t wanted_rounds, int wanted_level)
{
    tear_down(state);
    rounds = wanted_rounds;
    level = wanted_level;
    assert_int_equal(set_up(state), 0);
    rounds = 1;
    level = -1;
    read_all(*state);
    return *state;
}

static void sums_stand_for_records(void **state)
{
    struct fixture *fixture = again(state, 1, PROBE_COUNTS);
    const struct job_outcome *job = &fixture->results.jobs[1];
    assert_int_equal(job->status, RESULT_DONE);
    assert_int_equal(job->exits, SAMPLES);
    assert_int_equal(job->exit_operations, SAMPLES);
    assert_int_equal(job->phases[PHASE_OP].totals->exits[10], SAMPLES);
    assert_null(job->phases[PHASE_OP].packet);
}

static void rounds_add_up(void **state)
{
    static const int levels[] = {PROBE_COUNTS, PROBE_STAMPS, PROBE_FULL};
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct fixture *fixture = again(state, 7, levels[i]);
        const struct job_outcome *job = &fixture->results.jobs[1];
        assert_string_equal(job->reason, "");
        assert_int_equal(job->exits, 7 * SAMPLES);
        assert_int_equal(job->exit_operations, 7 * SAMPLES);
        assert_int_equal(job->phases[PHASE_OP].folded->samples, 7 * SAMPLES);
    }
    assert_int_equal(again(state, 7, PROBE_OFF)->results.jobs[0].exit_operations, 3);
}

static void rounds_that_do_not_add_up_are_noticed(void **state)
{
    for (int i = 0; i < 12; i++) {
        struct fixture *fixture = again(state, 7, PROBE_FULL);
        struct phase_result *op = &result_of(fixture, 0)->phases[PHASE_OP];
        struct phase_folded *folded = (void *)(fixture->region + op->folded_offset);
        if (i == 0)
            folded->rounds = 6;
        else if (i == 1)
            folded->samples--;
        else if (i == 2)
            folded->out_of_order = 1;
        else if (i == 3)
            op->folded_offset = 0;
        else if (i == 4)
            folded->round_trip.count++;
        else if (i == 5)
            folded->round_trip.buckets[HISTOGRAM_BUCKETS - 1] = UINT64_MAX;
        else if (i == 6)
            folded->round_trip.min = 0;
        else if (i == 7)
            folded->round_trip.max = UINT64_MAX;
        else if (i == 8)
            folded->round_trip.max = folded->round_trip.min - 1;
        else if (i == 9)
            folded->round_trip = (struct histogram){0};
        else if (i == 10)
            folded->handler.buckets[3] = 1;
        else
            histogram_add(&folded->round_trip, 70);
        read_all(fixture);
        assert_int_equal(fixture->results.jobs[0].status, RESULT_FAILED);
        assert_int_equal(fixture->results.jobs[1].status, RESULT_DONE);
    }
}

static void unpredicted_exits_fail_the_job_but_keep_its_data(void **state)
{
    struct fixture *fixture = *state;
    set_records(fixture, 0, PHASE_OP, 1);
    record_of(fixture, 0, PHASE_OP, 0)->flags = RECORD_LEFT;
    read_all(fixture);
    const struct job_outcome *job = &fixture->results.jobs[0];
    assert_int_equal(job->status, RESULT_FAILED);
    assert_int_equal(job->exits, 0);
    assert_int_equal(job->phases[PHASE_OP].samples, SAMPLES);
    assert_string_equal(fixture->results.reason, "1 of 2 jobs failed");
}

/* As many as expected, but not of the reason. */
static void exits_by_another_reason_fail_the_job(void **state)
{
    struct fixture *fixture = *state;
    record_of(fixture, 0, PHASE_OP, 1)->reason = 12;
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].status, RESULT_FAILED);
    assert_non_null(strstr(fixture->results.jobs[0].reason, "4 exits by CPUID for 5 operations"));
    assert_int_equal(fixture->results.jobs[1].status, RESULT_DONE);
}

static void the_hosts_interrupts_are_counted_apart(void **state)
{
    struct fixture *fixture = *state;
    const enum phase phases[] = {PHASE_CONTROL, PHASE_OP, PHASE_OP};
    for (size_t i = 0; i < 3; i++) {
        uint32_t records = result_of(fixture, 0)->phases[phases[i]].records;
        set_records(fixture, 0, phases[i], records + 1);
        *record_of(fixture, 0, phases[i], records) = (struct record){.reason = 1};
    }
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].status, RESULT_DONE);
    assert_int_equal(fixture->results.jobs[0].exits, SAMPLES);
    assert_int_equal(fixture->results.jobs[0].interruptions.control, 1);
    assert_int_equal(fixture->results.jobs[0].interruptions.op, 2);

    fixture->benchmark.row.exits[1] = (struct row_exit){.reason = 1, .times = 1};
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].status, RESULT_FAILED);
    assert_non_null(strstr(fixture->results.jobs[0].reason, "1 exits by external interrupt"));
}

#define DAMAGED(change, word)                                                          \
    do {                                                                               \
        assert_int_equal(set_up(state), 0);                                            \
        struct fixture *fixture = *state;                                              \
        struct job_result *job = result_of(fixture, 0);                                \
        struct results_header *header = header_of(fixture);                            \
        (void)job, (void)header;                                                       \
        change;                                                                        \
        read_all(fixture);                                                             \
        const struct job_outcome *outcome = &fixture->results.jobs[0];                 \
        if (outcome->status == RESULT_DONE || !fixture->results.reason[0] ||           \
            !(strstr(outcome->reason, word) || strstr(fixture->results.reason, word))) \
            fail_msg("%s: %s; %s", #change, outcome->reason, fixture->results.reason); \
        assert_null(outcome->phases[PHASE_OP].packet);                                 \
        tear_down(state);                                                              \
    } while (0)

static void damage_is_noticed(void **state)
{
    DAMAGED(header->magic = 0, "magic");
    DAMAGED(header->version = 1, "version");
    DAMAGED(header->job_count = 3, "3 jobs");
    DAMAGED(header->jobs_done = 3, "3 ended");
    DAMAGED(header->status = 9, "damaged");
    DAMAGED(job->status = 4, "damaged");
    DAMAGED(job->status = RESULT_NOT_RUN, "not run");
    DAMAGED(job->job = 1, "holds job 1");
    DAMAGED(job->validity.verdict = 0, "disturbances");
    DAMAGED(job->validity.verdict = VALIDITY_SMI, "disturbances");
    DAMAGED(job->validity.verdict |= VALIDITY_ALL + 1, "disturbances");
    DAMAGED(job->validity.readings[2].flags = 8, "disturbances");
    DAMAGED(job->phases[PHASE_OP].samples = SAMPLES + 1, "samples");
    DAMAGED(job->phases[PHASE_OP].samples_offset += 64, "lies");
    DAMAGED(job->phases[PHASE_OP].packet_offset += 64, "lies");
    DAMAGED(job->phases[PHASE_OP].packet_offset = UINT64_MAX, "lies");
    DAMAGED(job->phases[PHASE_OP].packet_offset = 0, "no packet");
    DAMAGED(job->phases[PHASE_OP].records = UINT32_MAX, "fit");
    DAMAGED(set_records(fixture, 0, PHASE_OP, 2 * SAMPLES + 65), "fit");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->magic = 0, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->stream_id = 1, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->cpu_id = PACKET_CPUS_MAX, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->job = 1, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->phase = 1, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->content_size = 512, "header");
    DAMAGED(packet_of(fixture, 0, PHASE_OP)->packet_size *= 2, "header");
}

/* It is not UTF-8 and has no end; run.json takes the compiler from there. */
static void nothing_is_kept_of_a_header_that_is_refused(void **state)
{
    struct fixture *fixture = *state;
    memset(header_of(fixture), 0xff, sizeof(struct results_header));
    read_all(fixture);
    assert_false(fixture->results.readable);
    assert_non_null(strstr(fixture->results.reason, "magic"));
    assert_string_equal(fixture->results.header.compiler, "");
    assert_int_equal(fixture->results.header.tsc_start, 0);
}

static void a_failed_job_keeps_its_trace(void **state)
{
    struct fixture *fixture = *state;
    struct job_result *result = result_of(fixture, 0);
    result->status = RESULT_FAILED;
    strcpy(result->reason, "VM entry: VMfailInvalid");
    result->phases[PHASE_OP].samples = 0;
    set_records(fixture, 0, PHASE_OP, 1);
    read_all(fixture);
    const struct job_outcome *job = &fixture->results.jobs[0];
    assert_int_equal(job->status, RESULT_FAILED);
    assert_string_equal(job->reason, "VM entry: VMfailInvalid");
    assert_int_equal(job->phases[PHASE_OP].records, 1);
    assert_ptr_equal(job->phases[PHASE_OP].packet, packet_of(fixture, 0, PHASE_OP));
    assert_int_equal(job->phases[PHASE_OP].samples, 0);
    assert_false(job->has_exits || job->has_digest);

    packet_of(fixture, 0, PHASE_OP)->magic = 0; /* never closed */
    result->phases[PHASE_CONTROL].records = UINT32_MAX;
    result->phases[PHASE_COUNT_OP].packet_offset += 64;
    read_all(fixture);
    job = &fixture->results.jobs[0];
    assert_null(job->phases[PHASE_OP].packet);
    assert_null(job->phases[PHASE_CONTROL].packet);
    assert_null(job->phases[PHASE_COUNT_OP].packet);
    assert_non_null(job->phases[PHASE_COUNT_CONTROL].packet);
    assert_string_equal(job->reason, "VM entry: VMfailInvalid");
}

/* Beyond what can be counted: they would not add up in 64 bits. */
static void sums_that_cannot_be(void **state)
{
    for (int i = 0; i < 6; i++) {
        struct fixture *fixture = again(state, i < 3 ? 1 : 7, i < 3 ? PROBE_COUNTS : PROBE_FULL);
        struct phase_result *op = &result_of(fixture, 0)->phases[PHASE_OP];
        struct probe_totals *totals = (void *)(fixture->region + op->totals_offset);
        struct phase_folded *folded = (void *)(fixture->region + op->folded_offset);
        if (i == 0)
            totals->exits[18] = 1ull << 63;
        else if (i == 1)
            totals->vmreads = UINT64_MAX;
        else if (i == 2)
            op->discarded = UINT64_MAX;
        else if (i == 3)
            folded->records = UINT64_MAX;
        else if (i == 4)
            folded->discarded = 1ull << 56;
        else
            folded->totals.exits[0] = 1ull << 63;
        read_all(fixture);
        assert_int_equal(fixture->results.jobs[0].status, RESULT_FAILED);
        assert_string_equal(fixture->results.jobs[0].reason, "phase 3: its sums are damaged");
        assert_int_equal(fixture->results.jobs[1].status, RESULT_DONE);
        if (i >= 2)
            continue;
        result_of(fixture, 0)->status = RESULT_FAILED; /* given up by the image: no better */
        read_all(fixture);
        assert_null(fixture->results.jobs[0].phases[PHASE_OP].totals);
    }
}

static void a_failed_job_keeps_its_sums(void **state)
{
    struct fixture *fixture = again(state, 1, PROBE_COUNTS);
    result_of(fixture, 0)->status = RESULT_FAILED;
    read_all(fixture);
    assert_int_equal(fixture->results.jobs[0].phases[PHASE_OP].totals->exits[10], SAMPLES);
    result_of(fixture, 0)->phases[PHASE_OP].totals_offset++;
    read_all(fixture);
    assert_null(fixture->results.jobs[0].phases[PHASE_OP].totals);
}

static void the_image_says_why_it_failed(void **state)
{
    struct fixture *fixture = *state;
    header_of(fixture)->status = RESULT_FAILED;
    memset(header_of(fixture)->reason, 'x', RESULT_REASON_SIZE); /* no NUL */
    header_of(fixture)->reason[3] = '\n';
    read_all(fixture);
    assert_memory_equal(fixture->results.reason, "xxx?xx", 6);
    assert_int_equal(strlen(fixture->results.reason), RESULT_REASON_SIZE - 1);
}

static void a_region_of_another_size(void **state)
{
    struct fixture *fixture = *state;
    struct bytes region = {fixture->region, 100};
    results_read(&fixture->experiment, &region, &fixture->results);
    assert_non_null(strstr(fixture->results.reason, "100 bytes"));
    assert_false(fixture->results.readable);
}

static void random_damage_does_no_harm(void **state)
{
    struct fixture *fixture = *state;
    uint64_t random = 11;
    size_t size = fixture->experiment.results_size;
    uint8_t *kept = memcpy(malloc(size), fixture->region, size);
    for (int round = 0; round < 5000; round++) {
        size_t at = fixture->experiment.jobs[random_below(&random, 2)].plan.results_offset;
        for (int n = 0; n < 3; n++)
            fixture->region[random_below(&random, 4)
                                ? at + random_below(&random, sizeof(struct job_result) + 40)
                                : random_below(&random, 424)] = (uint8_t)random_below(&random, 256);
        read_all(fixture);
        memcpy(fixture->region, kept, size);
    }
    free(kept);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(sound_results),
        WITH_FIXTURE(counting_phases_stand_in_for_probes_off),
        WITH_FIXTURE(discarded_records_count_as_exits),
        WITH_FIXTURE(sums_stand_for_records),
        WITH_FIXTURE(rounds_add_up),
        WITH_FIXTURE(rounds_that_do_not_add_up_are_noticed),
        WITH_FIXTURE(unpredicted_exits_fail_the_job_but_keep_its_data),
        WITH_FIXTURE(exits_by_another_reason_fail_the_job),
        WITH_FIXTURE(the_hosts_interrupts_are_counted_apart),
        cmocka_unit_test(damage_is_noticed),
        WITH_FIXTURE(nothing_is_kept_of_a_header_that_is_refused),
        WITH_FIXTURE(a_failed_job_keeps_its_trace),
        WITH_FIXTURE(sums_that_cannot_be),
        WITH_FIXTURE(a_failed_job_keeps_its_sums),
        WITH_FIXTURE(the_image_says_why_it_failed),
        WITH_FIXTURE(a_region_of_another_size),
        WITH_FIXTURE(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
