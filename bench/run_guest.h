/* SPDX-License-Identifier: MIT */
/*
 * run --image: boots the user's own guest under each policy, and leaves a run directory with its
 * profiles.
 */
#ifndef EXITMETER_BENCH_RUN_GUEST_H
#define EXITMETER_BENCH_RUN_GUEST_H

#include "run_options.h"
#include "run_record.h"

/* facts: target, cpu_model, command and created are given. Returns an enum exit_code, or more
 * after a signal. */
int run_guest(struct run_options *options, struct run_facts *facts);

#endif
