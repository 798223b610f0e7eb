/* SPDX-License-Identifier: MIT */
#ifndef EXITMETER_GUESTS_IMAGE_PLAN_CHECK_H
#define EXITMETER_GUESTS_IMAGE_PLAN_CHECK_H

#include "../plan.h"

/*
 * Whether the bytes are a plan this image can run: magic, version, sizes; every count within its
 * limit and every name ended; each job's policy, probe level and sample counts in range; and each
 * job's results inside the results region, behind its header, overlapping no other's. NULL if so,
 * else what is wrong, in words. Afterwards everything the plan refers to may be used unchecked.
 */
const char *plan_check(const void *plan, uint64_t bytes);

static inline const struct plan_policy *plan_policies(const struct plan_header *plan)
{
    return (const struct plan_policy *)(plan + 1);
}

static inline const struct plan_job *plan_jobs(const struct plan_header *plan)
{
    return (const struct plan_job *)(plan_policies(plan) + plan->policy_count);
}

#endif
