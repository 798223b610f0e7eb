/* SPDX-License-Identifier: MIT */
#ifndef EXITMETER_GUESTS_IMAGE_PLAN_CHECK_H
#define EXITMETER_GUESTS_IMAGE_PLAN_CHECK_H

#include "../plan.h"

/*
 * Whether the bytes are a plan this image can run: magic, version, sizes; every count within its
 * limit and every name ended; each job's policy, probe level, group and sample counts in range; no
 * group empty (what its events ask for is for performance.h to refuse); and each job's results
 * inside the results region, behind its header, overlapping no other's. NULL if so, else what is
 * wrong, in words. Afterwards everything the plan refers to may be used unchecked.
 */
const char *plan_check(const void *plan, uint64_t bytes);

static inline const struct plan_policy *plan_policies(const struct plan_header *plan)
{
    return (const struct plan_policy *)(plan + 1);
}

static inline const struct plan_group *plan_groups(const struct plan_header *plan)
{
    return (const struct plan_group *)(plan_policies(plan) + plan->policy_count);
}

static inline const struct plan_job *plan_jobs(const struct plan_header *plan)
{
    return (const struct plan_job *)(plan_groups(plan) + plan->group_count);
}

/* With PLAN_MACHINE only. */
static inline const struct plan_machine *plan_machine(const struct plan_header *plan)
{
    return (const struct plan_machine *)(plan_jobs(plan) + plan->job_count);
}

#endif
