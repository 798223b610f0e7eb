/* SPDX-License-Identifier: MIT */
/*
 * run.json of a run of the user's own guest: schema exitmeter.profile/1 (RUN_FORMAT.md).
 */
#ifndef EXITMETER_BENCH_GUEST_JSON_H
#define EXITMETER_BENCH_GUEST_JSON_H

#include "guest.h"
#include "run_record.h"

/* Writes it below directory. Returns 0, or -1 with errno set. */
int guest_json_write(const char *directory, const struct run_facts *facts,
                     const struct guest_wish *wish, const struct policy *policies,
                     const struct guest_outcome *outcomes, size_t count);

#endif
