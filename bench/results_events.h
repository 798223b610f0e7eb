/* SPDX-License-Identifier: MIT */
/* Performance events in the results: what became of each, and what it counted. */
#ifndef EXITMETER_BENCH_RESULTS_EVENTS_H
#define EXITMETER_BENCH_RESULTS_EVENTS_H

#include "results.h"

/*
 * Takes what the image says of the job's events, if it has any. False if that cannot be: an event
 * that nobody asked for, one without a word about it, or counters at a level that has none.
 */
bool events_read(const struct job *job, const struct bytes *region, struct job_outcome *outcome);

/* Fills in the means, from the records of the op phase. Its packet has been checked. */
void events_count(struct job_outcome *outcome);

#endif
