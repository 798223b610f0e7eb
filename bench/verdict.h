/* SPDX-License-Identifier: MIT */
/*
 * The verdict over a run's prediction: every job's exits are held against what its row and its
 * policy's bitmaps say (exit_proof.h). What was not held to it, and why, is said too.
 */
#ifndef EXITMETER_BENCH_VERDICT_H
#define EXITMETER_BENCH_VERDICT_H

#include "experiment.h"
#include "results.h"

#include <jansson.h>

/* Jobs by what became of them; they add up to the run's. */
struct verdict {
    size_t agreed, disagreed;
    size_t checks;   /* prove behaviour, and are held to no number */
    size_t root;     /* of VMX root operation, where nothing exits */
    size_t skipped;  /* not applicable */
    size_t unproved; /* failed or not run before their exits could be held, or not counted */
};

struct verdict verdict_of(const struct experiment *experiment, const struct results *results);

/* "agrees", "disagrees", or NULL of a job that was not held to it. */
const char *verdict_word(const struct job_outcome *outcome);

/* As run.json has it. */
json_t *verdict_json(const struct verdict *verdict);

/* Says on stderr which jobs were skipped, by reason, and the verdict. */
void verdict_say(const struct experiment *experiment, const struct results *results);

#endif
