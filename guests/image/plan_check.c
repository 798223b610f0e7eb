/* SPDX-License-Identifier: MIT */
#include "plan_check.h"

#include "../results.h"

#include <stdbool.h>

#define PAGE 4096u

static bool ends(const char name[PLAN_NAME_SIZE])
{
    for (unsigned i = 0; i < PLAN_NAME_SIZE; i++)
        if (!name[i])
            return i > 0;
    return false;
}

static const char *check_header(const struct plan_header *plan, uint64_t bytes)
{
    if (bytes < sizeof(*plan) || plan->magic != PLAN_MAGIC)
        return "plan: not a plan";
    if (plan->version != PLAN_VERSION)
        return "plan: of another version than this image";
    if (plan->flags & ~PLAN_FLAGS_ALL)
        return "plan: unknown flags";
    if (plan->policy_count > PLAN_POLICIES_MAX || plan->job_count > PLAN_JOBS_MAX)
        return "plan: too many policies or jobs";
    if (plan->size > bytes || plan->size != sizeof(*plan) +
                                                plan->policy_count * sizeof(struct plan_policy) +
                                                plan->job_count * sizeof(struct plan_job))
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
    if (policy->reserved[0] || policy->reserved[1])
        return "plan: a policy's reserved part is in use";
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++)
        if (policy->cpuid[i].output > 3)
            return "plan: a policy hides bits of what is no output of CPUID";
    return NULL;
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
    if (job->reserved[0] || job->reserved[1])
        return "plan: a job's reserved part is in use";
    return NULL;
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
