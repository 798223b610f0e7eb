/* SPDX-License-Identifier: MIT */
#include "plan_check.h"

#include "../profile.h"
#include "../serial_frame.h"

#include <stdbool.h>
#include <string.h>

#define PAGE 4096u

static bool ends(const char name[PLAN_NAME_SIZE])
{
    for (unsigned i = 0; i < PLAN_NAME_SIZE; i++)
        if (!name[i])
            return i > 0;
    return false;
}

static uint64_t machine_size(const struct plan_header *plan)
{
    return plan->flags & PLAN_MACHINE ? sizeof(struct plan_machine) : 0;
}

static const char *check_header(const struct plan_header *plan, uint64_t bytes)
{
    if (bytes < sizeof(*plan) || plan->magic != PLAN_MAGIC)
        return "plan: not a plan";
    if (plan->version != PLAN_VERSION)
        return "plan: of another version than this image";
    if (plan->flags & ~PLAN_FLAGS_ALL)
        return "plan: unknown flags";
    if (plan->serial_passes > SERIAL_PASSES_MAX || plan->reserved)
        return "plan: number of passes out of range, or its reserved part is in use";
    if (!plan->cpus || plan->cpus > PLAN_CPUS_MAX)
        return "plan: number of CPUs out of range";
    if (plan->policy_count > PLAN_POLICIES_MAX || plan->job_count > PLAN_JOBS_MAX ||
        plan->group_count > PLAN_GROUPS_MAX)
        return "plan: too many policies, jobs or groups of events";
    if (plan->size > bytes ||
        plan->size != sizeof(*plan) + plan->policy_count * sizeof(struct plan_policy) +
                          plan->group_count * sizeof(struct plan_group) +
                          plan->job_count * sizeof(struct plan_job) + machine_size(plan))
        return "plan: cut off, or its counts do not match its size";
    if (plan->results_base % PAGE || plan->results_size % PAGE ||
        plan->results_size < RESULTS_HEADER_ROOM ||
        plan->results_base + plan->results_size < plan->results_base)
        return "plan: results region is not whole pages, or too small";
    return NULL;
}

static const char *check_policy(const struct plan_policy *policy)
{
    if (!ends(policy->name))
        return "plan: a policy name is empty or does not end";
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        if (policy->cpuid[i].output > 3)
            return "plan: a policy hides bits of what is no output of CPUID";
    return NULL;
}

static const char *check_event(const struct plan_event *event)
{
    static const struct plan_event none;

    if (event->kind >= PLAN_EVENT_KINDS || event->reserved)
        return "plan: an event is of no known kind";
    if (event->kind == PLAN_EVENT_NONE && memcmp(event, &none, sizeof(none)) != 0)
        return "plan: a place for an event is not in use and not empty";
    return NULL;
}

static const char *check_group(const struct plan_group *group)
{
    bool empty = true;

    for (int side = 0; side < PLAN_SIDES; side++)
        for (unsigned i = 0; i < PROBE_EVENTS; i++) {
            const char *wrong = check_event(&group->events[side][i]);
            if (wrong)
                return wrong;
            empty &= group->events[side][i].kind == PLAN_EVENT_NONE;
        }
    return empty ? "plan: a group has no events" : NULL;
}

static const char *check_job(const struct plan_header *plan, const struct plan_job *job)
{
    if (!ends(job->benchmark))
        return "plan: a benchmark name is empty or does not end";
    if (job->policy >= plan->policy_count)
        return "plan: a job names a policy that is not there";
    if (job->probe_level >= PROBE_LEVELS)
        return "plan: unknown probe level";
    if (!job->samples || job->samples > GUEST_SAMPLES_MAX || !job->count_samples ||
        job->count_samples > GUEST_SAMPLES_MAX)
        return "plan: sample count out of range";
    if (!job->exits_room || job->exits_room > ROW_EXITS_MOST)
        return "plan: room for records out of range";
    if (!job->rounds || job->rounds > PLAN_ROUNDS_MAX)
        return "plan: number of rounds out of range";
    if (job->group > plan->group_count || (job->probe_level == PROBE_PMU) != (job->group > 0))
        return "plan: a job has no group of events where it needs one, or one that is not there";
    if (job->reserved)
        return "plan: a job's reserved part is in use";
    return NULL;
}

static const char *check_machine(const struct plan_header *plan)
{
    const struct plan_machine *machine = plan_machine(plan);
    const uint64_t size = sizeof(struct machine_result);

    if (plan->policy_count != 1 || plan->job_count || plan->group_count)
        return "plan: a guest that has the machine takes one policy, no jobs and no events";
    if (!plan->results_base)
        return "plan: a guest that has the machine needs a place for the results";
    if (machine->start >= PLAN_STARTS || machine->poll < PLAN_POLL_LEAST)
        return "plan: start or poll of the machine's guest out of range";
    if (machine->core_end % PAGE || machine->core_end < plan->results_base + plan->results_size)
        return "plan: the core's memory ends in the middle of a page or of the results";
    if (machine->result_offset % RECORD_SIZE || machine->result_offset < RESULTS_HEADER_ROOM ||
        machine->result_offset > plan->results_size ||
        size > plan->results_size - machine->result_offset)
        return "plan: the result of the machine's guest lies outside the region";
    for (unsigned i = 0; i < PLAN_COMMAND_LINE; i++)
        if (!machine->command_line[i])
            return NULL;
    return "plan: the command line does not end";
}

const char *plan_check(const void *bytes_of_plan, uint64_t bytes)
{
    const struct plan_header *plan = bytes_of_plan;
    const char *wrong = check_header(plan, bytes);
    if (wrong)
        return wrong;

    for (uint32_t i = 0; i < plan->policy_count; i++) {
        wrong = check_policy(&plan_policies(plan)[i]);
        if (wrong)
            return wrong;
    }

    for (uint32_t i = 0; i < plan->group_count; i++) {
        wrong = check_group(&plan_groups(plan)[i]);
        if (wrong)
            return wrong;
    }
    if (plan->flags & PLAN_MACHINE)
        return check_machine(plan);
    uint64_t behind = RESULTS_HEADER_ROOM; /* jobs lie in order, so no two overlap */
    for (uint32_t i = 0; i < plan->job_count; i++) {
        const struct plan_job *job = &plan_jobs(plan)[i];
        wrong = check_job(plan, job);
        if (wrong)
            return wrong;
        if (job->results_offset % RECORD_SIZE || job->results_offset < behind ||
            job->results_offset > plan->results_size ||
            job_results_size(job) > plan->results_size - job->results_offset)
            return "plan: a job's results lie outside the region, or over another's";
        behind = job->results_offset + job_results_size(job);
    }
    return NULL;
}
