/* SPDX-License-Identifier: MIT */
/*
 * What the measuring costs, measured in every run: a probed exit at each probe level, and the
 * instructions that samples and probes are made of. Their jobs stand behind the run's own in the
 * plan, under a policy of their own, and go into run.json's "calibration" and into benchmark.json
 * as TARGET/calibration/NAME, not among the run's jobs.
 */
#ifndef EXITMETER_BENCH_CALIBRATION_H
#define EXITMETER_BENCH_CALIBRATION_H

#include "experiment.h"
#include "results.h"

#include <jansson.h>

/* One figure: net round trips as a digest has them; of a probe level, less those without probes. */
struct calibration_figure {
    const char *name;   /* "probes_counts", "rdtsc", ... */
    const char *what;   /* in words */
    const char *absent; /* why it could not be measured; NULL if it was */
    uint32_t samples;
    int64_t min, p50, max;
};

#define CALIBRATION_FIGURES CALIBRATIONS_MAX

/*
 * Adds the calibrating jobs of rows that the corpus has, behind experiment->jobs. Call behind
 * experiment_make_jobs() and whatever filters or shuffles, before experiment_lay_out().
 */
void calibration_add(struct experiment *experiment, const struct corpus *corpus);

/* The figures, always all of them, in one order. */
void calibration_read(const struct experiment *experiment, const struct results *results,
                      struct calibration_figure figures[CALIBRATION_FIGURES]);

/* run.json's "calibration": a new reference. */
json_t *calibration_json(const struct experiment *experiment, const struct results *results);

#endif
