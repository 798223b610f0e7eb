/* SPDX-License-Identifier: MIT */
/* The phases of a job in run.json (RUN_FORMAT.md). */
#ifndef EXITMETER_BENCH_PHASE_JSON_H
#define EXITMETER_BENCH_PHASE_JSON_H

#include "run_record.h"

#include <jansson.h>

/* A new reference. */
json_t *phases_json(const struct job_outcome *outcome, const struct job_place *place);

#endif
