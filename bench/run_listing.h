/* SPDX-License-Identifier: MIT */
/*
 * What a run directory holds in one line: read from its run.json, with suspicion.
 */
#ifndef EXITMETER_BENCH_RUN_LISTING_H
#define EXITMETER_BENCH_RUN_LISTING_H

#include <jansson.h>
#include <stdbool.h>

/*
 * The run at path as an object: name, kind ("benchmarks" or "guest"), created, target, cpu_model,
 * policies, done, skipped, failed, not_run, status ("complete", "failed" or "damaged") and reason.
 * A damaged one has name, status and reason only. verify: its files are to be what they were.
 */
json_t *run_listing(const char *path, bool verify);

/*
 * Those at or below path: the run itself, the runs in the directory, and those in the directories
 * in it that are no runs, as `run` leaves them of several CPU models; by name. What a run
 * writes to until it is whole is "unfinished", and has no more than a damaged one. NULL with errno
 * set if the directory cannot be read.
 */
json_t *run_listings(const char *path, bool verify);

#endif
