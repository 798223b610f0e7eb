/* SPDX-License-Identifier: MIT */
/* plan_check(): a valid plan, and the same with each of its fields corrupted. */
#include "../image/plan_check.h"

#include "../../core/tests/tests.h"
#include "../profile.h"
#include "../serial_frame.h"

#include <stdlib.h>
#include <string.h>

#define POLICIES 2u
#define JOBS     4u
#define GROUPS   2u
#define BYTES                                                             \
    (sizeof(struct plan_header) + POLICIES * sizeof(struct plan_policy) + \
     GROUPS * sizeof(struct plan_group) + JOBS * sizeof(struct plan_job))

/* As long as the plan to the byte, so that the sanitizer sees what reads behind it. */
static struct plan_header *plan;
static struct plan_policy *policies;
static struct plan_group *groups;
static struct plan_job *jobs;

static int make_plan(void **state)
{
    (void)state;
    plan = aligned_alloc(8, BYTES);
    memset(plan, 0, BYTES);
    policies = (struct plan_policy *)(plan + 1);
    groups = (struct plan_group *)(policies + POLICIES);
    jobs = (struct plan_job *)(groups + GROUPS);
    groups[0].events[PLAN_HOST][2] =
        (struct plan_event){.kind = PLAN_EVENT_GENERAL, .selector = 0x200c0};
    groups[1].events[PLAN_GUEST][0] = (struct plan_event){.kind = PLAN_EVENT_FIXED, .selector = 1};
    strcpy(policies[0].name, "passthrough-all");
    strcpy(policies[1].name, "intercept-all");
    uint64_t offset = RESULTS_HEADER_ROOM;
    for (unsigned i = 0; i < JOBS; i++) {
        jobs[i] = (struct plan_job){.benchmark = "cpuid-0",
                                    .policy = i % POLICIES,
                                    .probe_level = i == JOBS - 1 ? PROBE_PMU : i,
                                    .group = i == JOBS - 1 ? GROUPS : 0,
                                    .samples = 100 * (i + 1),
                                    .exits_room = 2,
                                    .rounds = 1 + i,
                                    .count_samples = 10,
                                    .results_offset = offset};
        offset += job_results_size(&jobs[i]);
    }
    *plan = (struct plan_header){
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .flags = PLAN_FLAGS_ALL & ~PLAN_MACHINE,
        .size = BYTES,
        .results_base = 0x4000000,
        .results_size = (offset + 4095) / 4096 * 4096,
        .policy_count = POLICIES,
        .job_count = JOBS,
        .group_count = GROUPS,
        .cpus = PLAN_CPUS_MAX,
    };
    return 0;
}

static int free_plan(void **state)
{
    (void)state;
    free(plan);
    return 0;
}

static void refuses(const char *text)
{
    const char *wrong = plan_check(plan, BYTES);
    assert_non_null(wrong);
    assert_string_equal(wrong, text);
}

/* A field gets a value that is refused, and its own back. */
#define BAD(field, value, text)               \
    do {                                      \
        __typeof__(field) own = (field);      \
        (field) = (value);                    \
        refuses(text);                        \
        (field) = own;                        \
        assert_null(plan_check(plan, BYTES)); \
    } while (0)

static void valid(void **state)
{
    (void)state;
    assert_null(plan_check(plan, BYTES));
    assert_ptr_equal(plan_policies(plan), policies);
    assert_ptr_equal(plan_jobs(plan), jobs);
    for (uint32_t flags = 0; flags < PLAN_MACHINE; flags++) {
        plan->flags = flags;
        assert_null(plan_check(plan, BYTES));
    }
    assert_ptr_equal(plan_groups(plan), groups);
    plan->policy_count = plan->job_count = plan->group_count = 0;
    plan->size = sizeof(*plan);
    assert_null(plan_check(plan, BYTES)); /* bytes behind the plan are the loader's affair */
}

static void header_fields(void **state)
{
    static const char counts[] = "plan: cut off, or its counts do not match its size";
    static const char many[] = "plan: too many policies, jobs or groups of events";
    static const char region[] = "plan: results region is not whole pages, or too small";
    static const char passes[] =
        "plan: number of passes out of range, or its reserved part is in use";
    (void)state;
    BAD(plan->magic, PLAN_MAGIC + 1, "plan: not a plan");
    BAD(plan->version, 0, "plan: of another version than this image");
    BAD(plan->version, PLAN_VERSION + 1, "plan: of another version than this image");
    BAD(plan->flags, PLAN_FLAGS_ALL + 1, "plan: unknown flags");
    BAD(plan->flags, 0x80000000, "plan: unknown flags");
    BAD(plan->cpus, 0, "plan: number of CPUs out of range");
    BAD(plan->cpus, PLAN_CPUS_MAX + 1, "plan: number of CPUs out of range");
    BAD(plan->size, BYTES - 1, counts);
    BAD(plan->size, BYTES + 1, counts);
    BAD(plan->size, 0, counts);
    BAD(plan->size, UINT64_MAX, counts);
    BAD(plan->policy_count, POLICIES - 1, counts);
    BAD(plan->policy_count, POLICIES + 1, counts);
    BAD(plan->policy_count, PLAN_POLICIES_MAX + 1, many);
    BAD(plan->policy_count, UINT32_MAX, many);
    BAD(plan->job_count, JOBS - 1, counts);
    BAD(plan->job_count, JOBS + 1, counts);
    BAD(plan->job_count, PLAN_JOBS_MAX + 1, many);
    BAD(plan->job_count, UINT32_MAX, many);
    BAD(plan->group_count, GROUPS - 1, counts);
    BAD(plan->group_count, PLAN_GROUPS_MAX + 1, many);
    BAD(plan->group_count, UINT32_MAX, many);
    BAD(plan->serial_passes, SERIAL_PASSES_MAX + 1, passes);
    BAD(plan->reserved, 1, passes);
    BAD(plan->results_base, 0x4000001, region);
    BAD(plan->results_base, UINT64_MAX - 4095, region); /* runs over the end of the address space */
    BAD(plan->results_size, plan->results_size + 8, region);
    BAD(plan->results_size, 0, region);
    BAD(plan->results_size, plan->results_size - 4096,
        "plan: a job's results lie outside the region, or over another's");
}

static void policy_names(void **state)
{
    static const char text[] = "plan: a policy name is empty or does not end";
    (void)state;
    for (unsigned i = 0; i < POLICIES; i++) {
        BAD(policies[i].name[0], '\0', text);
        memset(policies[i].name, 'x', PLAN_NAME_SIZE - 1);
        assert_null(plan_check(plan, BYTES));
        BAD(policies[i].name[PLAN_NAME_SIZE - 1], 'x', text);
    }
}

static void policy_fields(void **state)
{
    (void)state;
    for (unsigned i = 0; i < POLICIES; i++) {
        for (unsigned j = 0; j < PLAN_CPUID_HIDDEN; j++)
            BAD(policies[i].cpuid[j].output, 4,
                "plan: a policy hides bits of what is no output of CPUID");
    }
}

static void job_fields(void **state)
{
    static const char samples[] = "plan: sample count out of range";
    static const char group[] =
        "plan: a job has no group of events where it needs one, or one that is not there";
    static const char rounds[] = "plan: number of rounds out of range";
    static const char place[] = "plan: a job's results lie outside the region, or over another's";
    (void)state;
    for (unsigned i = 0; i < JOBS; i++) {
        struct plan_job *job = &jobs[i];
        BAD(job->benchmark[0], '\0', "plan: a benchmark name is empty or does not end");
        BAD(job->policy, POLICIES, "plan: a job names a policy that is not there");
        BAD(job->policy, UINT32_MAX, "plan: a job names a policy that is not there");
        BAD(job->probe_level, PROBE_LEVELS, "plan: unknown probe level");
        BAD(job->samples, 0, samples);
        BAD(job->samples, GUEST_SAMPLES_MAX + 1, samples);
        BAD(job->samples, UINT32_MAX, samples);
        BAD(job->rounds, 0, rounds);
        BAD(job->rounds, PLAN_ROUNDS_MAX + 1, rounds);
        BAD(job->exits_room, 0, "plan: room for records out of range");
        BAD(job->exits_room, ROW_EXITS_MOST + 1, "plan: room for records out of range");
        BAD(job->exits_room, ROW_EXITS_MOST, place);
        BAD(job->reserved, 1, "plan: a job's reserved part is in use");
        BAD(job->group, GROUPS + 1, group);
        BAD(job->group, UINT32_MAX, group);
        BAD(job->group, job->group ? 0 : 1, group);
        BAD(job->probe_level, job->group ? PROBE_FULL : PROBE_PMU, group);
        BAD(job->count_samples, 0, samples);
        BAD(job->count_samples, GUEST_SAMPLES_MAX + 1, samples);
        BAD(job->samples, GUEST_SAMPLES_MAX, place);
        BAD(job->results_offset, 0, place);
        BAD(job->results_offset, job->results_offset - 64, place);
        BAD(job->results_offset, job->results_offset + 1, place);
        BAD(job->results_offset, plan->results_size, place);
        BAD(job->results_offset, UINT64_MAX - 63, place);
        memset(job->benchmark, 'x', PLAN_NAME_SIZE - 1);
        BAD(job->benchmark[PLAN_NAME_SIZE - 1], 'x',
            "plan: a benchmark name is empty or does not end");
    }
    BAD(jobs[0].results_offset, jobs[1].results_offset, place);
    BAD(jobs[2].results_offset, jobs[1].results_offset, place);
}

static void groups_of_events(void **state)
{
    static const char kind[] = "plan: an event is of no known kind";
    static const char used[] = "plan: a place for an event is not in use and not empty";
    static const char empty[] = "plan: a group has no events";
    struct plan_event *event = &groups[0].events[PLAN_HOST][2];
    struct plan_event *none = &groups[1].events[PLAN_GUEST][2];
    (void)state;
    BAD(event->kind, PLAN_EVENT_KINDS, kind);
    BAD(event->kind, UINT32_MAX, kind);
    BAD(event->reserved, 1, kind);
    BAD(event->kind, PLAN_EVENT_NONE, used);
    BAD(none->selector, 1, used);
    BAD(none->extra_msr, 0x1a6, used);
    BAD(none->extra_value, 1, used);
    BAD(none->counters, 1, used);
    BAD(groups[1].events[PLAN_GUEST][0], (struct plan_event){0}, empty);
    event->selector = UINT64_MAX; /* what it means is for the CPU's PMU to say */
    assert_null(plan_check(plan, BYTES));
}

static void cut_off_anywhere(void **state)
{
    (void)state;
    for (size_t bytes = 0; bytes < BYTES; bytes += bytes < 64 ? 1 : 127) {
        void *cut = malloc(bytes ? bytes : 1);
        memcpy(cut, plan, bytes);
        assert_non_null(plan_check(cut, bytes));
        free(cut);
    }
}

/* What passes is safe to use: every job's phases lie inside the results region. */
static void random_damage(void **state)
{
    uint64_t seed = 8;
    unsigned passed = 0;
    (void)state;
    struct plan_header *own = test_malloc(BYTES);
    memcpy(own, plan, BYTES);
    for (int i = 0; i < 20000; i++) {
        memcpy(plan, own, BYTES);
        uint8_t *bytes = i & 1 ? (uint8_t *)plan : (uint8_t *)jobs;
        size_t room = i & 1 ? sizeof(*plan) : JOBS * sizeof(*jobs);
        bytes[random_below(&seed, (uint32_t)room)] ^= (uint8_t)(1u << random_below(&seed, 8));
        if (plan_check(plan, BYTES))
            continue;
        passed++;
        for (uint32_t j = 0; j < plan->job_count; j++) {
            assert_true(jobs[j].policy < plan->policy_count);
            assert_true(jobs[j].group <= plan->group_count);
            assert_true(jobs[j].results_offset + job_results_size(&jobs[j]) <= plan->results_size);
        }
    }
    assert_in_range(passed, 1000, 19000);
    test_free(own);
}

#define MACHINE_BYTES \
    (sizeof(struct plan_header) + sizeof(struct plan_policy) + sizeof(struct plan_machine))

static void machine_refused(const char *text)
{
    const char *wrong = plan_check(plan, MACHINE_BYTES);
    assert_non_null(wrong);
    assert_string_equal(wrong, text);
}

#define MACHINE_BAD(field, value, text)               \
    do {                                              \
        __typeof__(field) own = (field);              \
        (field) = (value);                            \
        machine_refused(text);                        \
        (field) = own;                                \
        assert_null(plan_check(plan, MACHINE_BYTES)); \
    } while (0)

static void a_guest_that_has_the_machine(void **state)
{
    static const char counts[] = "plan: cut off, or its counts do not match its size";
    static const char range[] = "plan: start or poll of the machine's guest out of range";
    static const char end[] = "plan: the core's memory ends in the middle of a page or of the "
                              "results";
    static const char place[] = "plan: the result of the machine's guest lies outside the region";
    (void)state;
    free(plan);
    plan = aligned_alloc(8, MACHINE_BYTES);
    memset(plan, 0, MACHINE_BYTES);
    policies = (struct plan_policy *)(plan + 1);
    strcpy(policies[0].name, "passthrough-all");
    *plan = (struct plan_header){
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .flags = PLAN_MACHINE,
        .size = MACHINE_BYTES,
        .results_base = 0x8000000,
        .results_size = (RESULTS_HEADER_ROOM + sizeof(struct machine_result) + 4095) / 4096 * 4096,
        .policy_count = 1,
        .cpus = 1,
    };
    struct plan_machine *machine = (struct plan_machine *)(policies + 1);
    machine->poll = PLAN_POLL_LEAST;
    machine->core_end = plan->results_base + plan->results_size;
    machine->result_offset = RESULTS_HEADER_ROOM;
    assert_null(plan_check(plan, MACHINE_BYTES));
    assert_ptr_equal(plan_machine(plan), machine);
    MACHINE_BAD(plan->flags, 0, counts);
    MACHINE_BAD(plan->policy_count, 0, counts);
    MACHINE_BAD(plan->results_base, 0,
                "plan: a guest that has the machine needs a place for the results");
    MACHINE_BAD(machine->start, PLAN_STARTS, range);
    MACHINE_BAD(machine->poll, PLAN_POLL_LEAST - 1, range);
    MACHINE_BAD(machine->core_end, machine->core_end - 4096, end);
    MACHINE_BAD(machine->core_end, machine->core_end + 1, end);
    MACHINE_BAD(machine->result_offset, 0, place);
    MACHINE_BAD(machine->result_offset, RESULTS_HEADER_ROOM + 1, place);
    MACHINE_BAD(machine->result_offset, plan->results_size, place);
    MACHINE_BAD(machine->result_offset, UINT64_MAX - 63, place);
    MACHINE_BAD(plan->results_size, plan->results_size - 4096, place);
    memset(machine->command_line, 'x', PLAN_COMMAND_LINE - 1);
    assert_null(plan_check(plan, MACHINE_BYTES));
    MACHINE_BAD(machine->command_line[PLAN_COMMAND_LINE - 1], 'x',
                "plan: the command line does not end");
    for (size_t bytes = 0; bytes < MACHINE_BYTES; bytes += 101)
        assert_non_null(plan_check(plan, bytes));
}

#define plan_test(function) cmocka_unit_test_setup_teardown(function, make_plan, free_plan)

int main(void)
{
    const struct CMUnitTest tests[] = {
        plan_test(valid),
        plan_test(header_fields),
        plan_test(policy_names),
        plan_test(policy_fields),
        plan_test(job_fields),
        plan_test(cut_off_anywhere),
        plan_test(random_damage),
        plan_test(groups_of_events),
        plan_test(a_guest_that_has_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
