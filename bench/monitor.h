/* SPDX-License-Identifier: MIT */
/*
 * What a target whose monitor is not our core says beside the results region: of itself, and of
 * what its own counters say a job took.
 */
#ifndef EXITMETER_BENCH_MONITOR_H
#define EXITMETER_BENCH_MONITOR_H

#include "experiment.h"
#include "results.h"

#include <jansson.h>

struct monitor_job {
    json_t *facts;       /* for run.json's job; NULL: none */
    json_t *disturbed;   /* strings, for its validity; NULL: none */
    bool has_exits;      /* the monitor counts its exits: */
    int64_t control, op; /* those of the phase, */
    struct {
        int64_t control, op;
    } interruptions; /* and those of them that are the host's interrupts */
};

struct monitor {
    json_t *facts;            /* for run.json; "notes" are strings, of all the figures */
    bool guesses;             /* monitor_guess() has a say */
    double drift;             /* of the TSC's rate against the host's clock, as a part of it */
    const char *drift_absent; /* why that is not known; NULL: it is */
    size_t job_count;
    struct monitor_job *jobs; /* in the plan's order */
};

/* For so many jobs, with nothing said of any; monitor_free(). */
struct monitor *monitor_new(size_t jobs);
void monitor_free(struct monitor *monitor);

/* Gives the exits that it counted to the results' done jobs. What to expect, nobody knows. */
void monitor_count(const struct monitor *monitor, const struct experiment *experiment,
                   struct results *results);

/*
 * Of a monitor that does not count: says of each job, in its facts, whether it takes as long as an
 * exit of this monitor, going by CPUID. No word where CPUID does not seem to exit itself.
 */
void monitor_guess(const struct monitor *monitor, const struct experiment *experiment,
                   const struct results *results);

/* "exit", "no exit" or "unclear", by net p50 and that of CPUID; NULL: CPUID does not seem to exit.
 */
const char *monitor_seems(int64_t p50, int64_t cpuid);

/* Says on stderr what it notes of all its figures. */
void monitor_explain(const struct monitor *monitor);

/* run.json's clock.drift, into `clock`. monitor NULL: the image knows none. */
void monitor_drift(const struct monitor *monitor, json_t *clock);

/* What it says of itself, and adds to a job of run.json; monitor NULL: null, and nothing. */
json_t *monitor_json(const struct monitor *monitor);
void monitor_add(const struct monitor *monitor, size_t index, json_t *job);

#endif
