/* SPDX-License-Identifier: MIT */
/*
 * A policy back as text: five defaults, what differs from them by the longest ranges, and by name
 * where there is one, controls, answers, hidden bits of CPUID. The text is the same for every
 * policy that is the same, and compiles to what it was made from, bit for bit.
 */
#ifndef EXITMETER_BENCH_POLICY_SHOW_H
#define EXITMETER_BENCH_POLICY_SHOW_H

#include "policy.h"

#include <stdio.h>

/* The whole text; free() it. */
char *policy_text(const struct policy *policy);

/* Its rules that are about no bitmap: control, emulate, forward, refuse, unclaimed, hide, probes.
 */
void policy_write_settings(FILE *to, const struct policy *policy);

#endif
