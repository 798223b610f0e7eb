/* SPDX-License-Identifier: MIT */
/* The rules that begin with hide. */
#ifndef EXITMETER_BENCH_POLICY_HIDE_H
#define EXITMETER_BENCH_POLICY_HIDE_H

#include "policy_line.h"

/* hide cpuid NAME, or hide cpuid LEAF[:SUBLEAF] OUTPUT BIT[-BIT]; false with the line's error. */
bool rule_hide(struct line *line);

#endif
