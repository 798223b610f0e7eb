/* SPDX-License-Identifier: MIT */
/* Performance events in run.json (RUN_FORMAT.md). */
#ifndef EXITMETER_BENCH_EVENTS_JSON_H
#define EXITMETER_BENCH_EVENTS_JSON_H

#include "run_record.h"

#include <jansson.h>

/* "pmu" of the run: what was asked for; null if nothing was. A new reference. */
json_t *pmu_json(const struct experiment *experiment, const struct results *results);

/* "events" of a job: what became of those of its group. A new reference. */
json_t *events_json(const struct experiment *experiment, const struct job *job,
                    const struct job_outcome *outcome);

/* Why an event of the run was counted in no job, on a side; NULL if it was in one, or none ran. */
const char *events_absent(const struct experiment *experiment, const struct results *results,
                          size_t event, enum plan_side side);

#endif
