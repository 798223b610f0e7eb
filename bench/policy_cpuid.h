/* SPDX-License-Identifier: MIT */
/* What a policy hides of CPUID: features by name, or bits of an output by number. */
#ifndef EXITMETER_BENCH_POLICY_CPUID_H
#define EXITMETER_BENCH_POLICY_CPUID_H

#include "../guests/plan.h"

#include <stdbool.h>
#include <stddef.h>

/* Names of the features that can be hidden by name, in an order of their own. */
const char *const *policy_feature_names(size_t *count);

/* Hides a feature by its index among the names, or bits. False if the policy hides too much. */
bool policy_hide_feature(struct plan_policy *policy, size_t index);
bool policy_hide_bits(struct plan_policy *policy, struct plan_cpuid_hidden hidden);

/* The name of the feature that is just this bit of that leaf and output, or NULL. */
const char *policy_feature_of(const struct plan_cpuid_hidden *hidden, unsigned bit);

#endif
