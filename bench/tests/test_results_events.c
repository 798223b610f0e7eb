/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../results.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 4u

/* One benchmark that counts one event in the host and two in the guest, and what the image leaves.
 */
static struct benchmark benchmark;
static struct experiment experiment;
static struct results results;
static uint8_t *region;

static struct job_result *job_result(void)
{
    return (void *)(region + experiment.jobs[0].plan.results_offset);
}

static struct event_result *event(enum plan_side side, unsigned place)
{
    struct events_result *events = (void *)((uint8_t *)job_result() + EVENTS_OFFSET);
    return &events->events[side][place];
}

static const struct event_outcome *outcome(enum plan_side side, unsigned place)
{
    return &results.jobs[0].events[side][place];
}

static struct packet_header *packet(enum phase phase)
{
    return (void *)(region + job_result()->phases[phase].packet_offset);
}

static struct wide_record *wide(enum phase phase, uint32_t index)
{
    return (struct wide_record *)(packet(phase) + 1) + index;
}

/* Records that all exit but the last, which ends the phase; at that level. */
static void fill(enum phase phase, uint32_t level)
{
    const struct plan_job *job = &experiment.jobs[0].plan;
    struct phase_result *out = &job_result()->phases[phase];
    struct phase_places at = phase_places(job, phase);
    uint32_t exits = phase & 1 ? phase_samples(job, phase) : 0;
    uint64_t bytes = sizeof(struct packet_header) + (exits + 1) * probe_record_size(level);

    *out = (struct phase_result){.samples = phase_samples(job, phase),
                                 .records = exits + 1,
                                 .packet_offset = at.packet,
                                 .samples_offset = at.samples};
    *packet(phase) = (struct packet_header){.magic = PACKET_MAGIC,
                                            .stream_id = probe_stream(level),
                                            .phase = (uint32_t)phase,
                                            .probe_level = level,
                                            .content_size = 8 * bytes,
                                            .packet_size = 8 * bytes};
    for (uint32_t i = 0; i <= exits; i++) {
        struct record *record =
            (struct record *)((char *)(packet(phase) + 1) + i * probe_record_size(level));
        *record =
            (struct record){.reason = i == exits ? 18 : 10, .flags = i == exits ? RECORD_LEFT : 0};
    }
    for (uint32_t i = 0; probe_stream(level) && i <= exits; i++) {
        *wide(phase, i) = (struct wide_record){
            .record.flags = i == exits ? RECORD_LEFT : 0,
            .record.reason = i == exits ? 18 : 10,
            .entered_0 = UINT32_MAX - 5 + 100 * i, /* wraps round at once */
            .entering_0 = UINT32_MAX - 5 + 100 * i + 10 + i,
            .guest_1 = (0xfffffa + 7 * i) & 0xffffff, /* a narrow counter, that does too */
            .guest_2 = i == exits ? 999999 : 0,
        };
    }
}

static void leave(uint32_t level)
{
    *job_result() = (struct job_result){
        .status = RESULT_DONE, .validity.verdict = VALIDITY_JUDGED, .probe_level = level};
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        fill((enum phase)phase, phase < PHASE_CONTROL ? PROBE_FULL : level);
}

static void read_all(void)
{
    struct bytes bytes = {region, experiment.results_size};
    results_free(&results);
    results_read(&experiment, &bytes, &results);
}

static int set_up(void **state)
{
    struct policy_error error;
    (void)state;
    benchmark = (struct benchmark){.name = "cpuid", .row = {.exits = {{.reason = 10, .times = 1}}}};
    experiment = (struct experiment){.samples = SAMPLES,
                                     .count_samples = 2,
                                     .repetitions = 1,
                                     .rounds = 1,
                                     .probe_level = PROBE_PMU};
    experiment.benchmarks = zeroed(1, sizeof(*experiment.benchmarks));
    experiment.benchmarks[experiment.benchmark_count++] = &benchmark;
    experiment.policies = zeroed(1, sizeof(*experiment.policies));
    experiment.policy_count = 1;
    assert_int_equal(policy_compile("p", "", 0, &experiment.policies[0], &error), 0);
    experiment.pmu.groups = zeroed(1, sizeof(*experiment.pmu.groups));
    experiment.pmu.group_count = 1;
    experiment.pmu.groups[0].events[PLAN_HOST][0].kind = PLAN_EVENT_FIXED;
    experiment.pmu.groups[0].events[PLAN_GUEST][1].kind = PLAN_EVENT_GENERAL;
    experiment.pmu.groups[0].events[PLAN_GUEST][2].kind = PLAN_EVENT_GENERAL;
    experiment_make_jobs(&experiment, "bochs");
    experiment_lay_out(&experiment);
    region = aligned_alloc(4096, experiment.results_size);
    memset(region, 0, experiment.results_size);
    *(struct results_header *)(void *)region = (struct results_header){.magic = RESULTS_MAGIC,
                                                                       .version = RESULTS_VERSION,
                                                                       .status = RESULT_DONE,
                                                                       .job_count = 1,
                                                                       .jobs_done = 1};
    leave(PROBE_PMU);
    *event(PLAN_HOST, 0) = (struct event_result){
        .state = EVENT_COUNTED, .rdpmc = 0x40000000, .mask = (1ull << 48) - 1};
    *event(PLAN_GUEST, 1) = (struct event_result){.state = EVENT_COUNTED, .mask = 0xffffff};
    *event(PLAN_GUEST, 2) = (struct event_result){.state = EVENT_ABSENT, .absent = "no\nreason"};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    results_free(&results);
    experiment_free(&experiment);
    free(region);
    return 0;
}

static void means_by_exit(void **state)
{
    (void)state;
    read_all();
    assert_string_equal(results.reason, "");
    assert_int_equal(results.jobs[0].status, RESULT_DONE);
    assert_int_equal(results.jobs[0].exits, SAMPLES);
    assert_true(outcome(PLAN_HOST, 0)->has_mean && outcome(PLAN_GUEST, 1)->has_mean);
    assert_true(outcome(PLAN_HOST, 0)->mean == 11.5); /* 10, 11, 12, 13 */
    assert_true(outcome(PLAN_GUEST, 1)->mean == 7);
    assert_false(outcome(PLAN_GUEST, 2)->has_mean);
    assert_string_equal(outcome(PLAN_GUEST, 2)->result.absent, "no?reason");
    assert_false(outcome(PLAN_HOST, 1)->has_mean);
}

/* The job ran at a lower level: its records are narrow, or without counters. */
static void lower_levels(void **state)
{
    static const uint32_t levels[] = {PROBE_FULL, PROBE_HARDWARE};
    (void)state;
    *event(PLAN_HOST, 0) = *event(PLAN_GUEST, 1) = *event(PLAN_GUEST, 2);
    for (size_t i = 0; i < 2; i++) {
        leave(levels[i]);
        strcpy(job_result()->lowered, "for a\treason");
        read_all();
        assert_string_equal(results.jobs[0].reason, "");
        assert_int_equal(results.jobs[0].probe_level, levels[i]);
        assert_string_equal(results.jobs[0].lowered, "for a?reason");
        assert_int_equal(results.jobs[0].exits, SAMPLES);
        assert_false(outcome(PLAN_HOST, 0)->has_mean);
    }
}

#define DAMAGED(change)                                          \
    do {                                                         \
        assert_int_equal(set_up(state), 0);                      \
        change;                                                  \
        read_all();                                              \
        assert_int_equal(results.jobs[0].status, RESULT_FAILED); \
        assert_false(outcome(PLAN_HOST, 0)->has_mean);           \
        if (!strstr(results.jobs[0].reason, "damaged"))          \
            fail_msg("%s: %s", #change, results.jobs[0].reason); \
        tear_down(state);                                        \
    } while (0)

static void damage_is_noticed(void **state)
{
    DAMAGED(job_result()->probe_level = PROBE_LEVELS);
    DAMAGED(job_result()->probe_level = PROBE_STAMPS);
    DAMAGED(job_result()->probe_level = PROBE_HARDWARE); /* and yet events are counted */
    DAMAGED(event(PLAN_HOST, 0)->state = EVENT_NONE);
    DAMAGED(event(PLAN_HOST, 0)->state = 3);
    DAMAGED(event(PLAN_HOST, 1)->state = EVENT_COUNTED); /* nobody asked for it */
    DAMAGED(event(PLAN_HOST, 0)->absent[0] = 'x');
    DAMAGED(event(PLAN_GUEST, 2)->absent[0] = '\0');
    DAMAGED(packet(PHASE_OP)->stream_id = 0);
    DAMAGED(packet(PHASE_OP)->content_size = packet(PHASE_OP)->packet_size = 8 * 64 * 6);
}

static void random_damage_does_no_harm(void **state)
{
    uint64_t random = 5;
    (void)state;
    uint8_t *kept = memcpy(malloc(experiment.results_size), region, experiment.results_size);
    for (int round = 0; round < 5000; round++) {
        uint64_t at = experiment.jobs[0].plan.results_offset;
        for (int n = 0; n < 3; n++)
            region[at + random_below(&random, 2000)] = (uint8_t)random_below(&random, 256);
        read_all();
        memcpy(region, kept, experiment.results_size);
    }
    free(kept);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(means_by_exit),
        WITH_FIXTURE(lower_levels),
        cmocka_unit_test(damage_is_noticed),
        WITH_FIXTURE(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
