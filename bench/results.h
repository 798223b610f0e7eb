/* SPDX-License-Identifier: MIT */
/*
 * Takes the results region apart (guests/results.h). The region comes out of a machine that may
 * have crashed at any point: every magic, count and offset is compared with what the experiment
 * laid out before anything is read through it.
 */
#ifndef EXITMETER_BENCH_RESULTS_H
#define EXITMETER_BENCH_RESULTS_H

#include "digest.h"
#include "experiment.h"
#include "files.h"

#define REASON_SIZE 256u

/* What a phase left, all of it checked. */
struct phase_outcome {
    uint32_t samples; /* of the last round, as are the records */
    uint32_t records;
    uint64_t discarded;
    bool has_exits;      /* exits means something */
    uint64_t exits;      /* of all rounds' operations: what left the vCPU not counted */
    uint64_t operations; /* of all rounds */
    uint32_t level;      /* of its records: probe_record_size(), probe_stream() */
    const struct probe_totals *totals; /* in the region; NULL but at the level "counts" */
    const struct phase_folded *folded; /* in the region; NULL if there was one round */
    const struct sample *sample;       /* in the region */
    const uint8_t *packet;             /* in the region; NULL if the phase ran without probes */
};

/* What became of an event of a job's group; its reason is terminated and printable. */
struct event_outcome {
    struct event_result result;
    bool has_mean;
    double mean; /* by exit: in the host from entered to entering, or in the guest since the entry
                    before */
};

/* Its exits held against the prediction: not at all, or with which end. */
enum proof { PROOF_NONE, PROOF_AGREES, PROOF_DISAGREES };

struct job_outcome {
    enum result_status status;
    char reason[REASON_SIZE];
    struct controls_in_force controls;
    unsigned expected_exits;          /* an operation; of a done job */
    struct job_validity validity;     /* judged if the job was done */
    uint32_t probe_level;             /* in force in the measured phases */
    char lowered[RESULT_REASON_SIZE]; /* why it is not the one asked for; empty if it is */
    struct event_outcome events[PLAN_SIDES][PROBE_EVENTS]; /* of the job's group */
    struct phase_outcome phases[PHASE_COUNT]; /* of a failed job records and sums, if any */
    enum proof proof;                         /* see exit_proof.h */
    bool has_exits;                           /* exits and exit_samples mean something */
    int64_t exits;                            /* of the op phase less those of the control phase */
    uint64_t exit_operations;                 /* that took them */
    struct {
        int64_t control, op;
    } interruptions; /* exits of these phases that were the host's own, and are not among exits */
    bool has_digest;
    struct digest digest;
};

struct results {
    bool readable;                /* header holds what the image said */
    struct results_header header; /* its strings are terminated and printable */
    char reason[REASON_SIZE];     /* why the run as a whole failed; empty if it did not */
    struct job_outcome *jobs;     /* experiment->job_count of them */
};

/* Results of a run that left none: every job not run, and why. */
void results_none(const struct experiment *experiment, const char *reason, struct results *results);

/*
 * Reads the region. What is wrong with it as a whole ends in results->reason, what is wrong with a
 * job fails that job. `region` must outlive the results.
 */
void results_read(const struct experiment *experiment, const struct bytes *region,
                  struct results *results);

/* Jobs that ended with this status. */
size_t results_count(const struct experiment *experiment, const struct results *results,
                     enum result_status status);

const char *result_status_name(enum result_status status);

void results_free(struct results *results);

#endif
