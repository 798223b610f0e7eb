/* SPDX-License-Identifier: MIT */
/*
 * Which VM exits a benchmark must take: what its row says (guests/blob.h), by the policy's bitmaps
 * and the VM-execution controls that were in force.
 */
#ifndef EXITMETER_BENCH_ROW_EXITS_H
#define EXITMETER_BENCH_ROW_EXITS_H

#include "../guests/blob.h"
#include "../guests/plan.h"
#include "../guests/results.h"

#include <stdbool.h>

/* Whether an operation takes this exit. */
bool row_exit_taken(const struct row_exit *exit, const struct plan_policy *policy,
                    const struct controls_in_force *controls);

/* Exits of that basic exit reason an operation takes; of any reason. */
unsigned row_exits_of(const struct blob_row *row, unsigned reason, const struct plan_policy *policy,
                      const struct controls_in_force *controls);
unsigned row_exits(const struct blob_row *row, const struct plan_policy *policy,
                   const struct controls_in_force *controls);

/* The most that an operation can take under any policy. */
unsigned row_exits_most(const struct blob_row *row);

/* Whether the row expects exits of that reason under any policy. */
bool row_expects(const struct blob_row *row, unsigned reason);

/* SDM name of an enum row_control, "HLT exiting"; NULL if it is none. */
const char *row_control_name(unsigned control);

#endif
