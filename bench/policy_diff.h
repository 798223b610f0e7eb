/* SPDX-License-Identifier: MIT */
/* What two policies do differently. */
#ifndef EXITMETER_BENCH_POLICY_DIFF_H
#define EXITMETER_BENCH_POLICY_DIFF_H

#include "policy.h"

#include <jansson.h>

/*
 * One document of schema exitmeter.policy-diff/1: "same"; "passes", an item for each range of MSRs
 * or ports, exception, or bit of CR0 or CR4, that passes in one and exits in the other, with "in"
 * being "a" or "b"; and "rules", those of controls, hidden bits, unclaimed ports and probes that
 * only one of them has.
 */
json_t *policy_diff(const struct policy *a, const struct policy *b);

#endif
