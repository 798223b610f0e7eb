/* SPDX-License-Identifier: MIT */
/* The policy that a guest was profiled under, from its run directory. */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_BASE_H
#define EXITMETER_BENCH_POLICY_DERIVE_BASE_H

#include "policy.h"

/*
 * Reads it from policies/NAME/plan.bin of the run at path. NULL; or what is wrong, to be freed:
 * that file, a SHA-256 that is not this policy's, or that the policy lets something pass which
 * intercept-all does not.
 */
char *derive_base(const char *path, const char *name, const char *sha256, struct policy *policy);

#endif
