/* SPDX-License-Identifier: MIT */
/*
 * Writes what a run directory holds (RUN_FORMAT.md), all but the console, the plan and what Google
 * Benchmark writes.
 */
#ifndef EXITMETER_BENCH_RUN_RECORD_H
#define EXITMETER_BENCH_RUN_RECORD_H

#include "experiment.h"
#include "results.h"
#include "target.h"
#include "trace_stream.h"

#include <time.h>

struct import_facts;
struct monitor;

/* What run.json says beside the experiment and its results. */
struct run_facts {
    const struct target *target;
    const char *cpu_model;
    const char *emulator;          /* or NULL */
    const char *accelerator;       /* of QEMU; NULL: the target has none */
    const struct monitor *monitor; /* NULL: it is our core */
    const char *const *command;
    size_t command_count;
    time_t created;
    char core_sha256[SHA256_TEXT];
    char guests_sha256[SHA256_TEXT];
    const struct import_facts *import; /* NULL: it was run from here */
};

/* Where a job's data went. */
struct job_place {
    uint64_t sample[PHASE_COUNT];                /* samples from the start of samples.bin */
    char stream[PHASE_COUNT][TRACE_STREAM_NAME]; /* file of the packet below trace/ ... */
    uint64_t packet[PHASE_COUNT];                /* ... and bytes from its start */
};

/*
 * Writes samples.bin, trace/ and layout.json below directory, and notes where each job's data went
 * in places[job]. Returns 0, or -1 with errno set.
 */
int run_record_data(const char *directory, const char *unit, const struct experiment *experiment,
                    const struct results *results, struct job_place *places);

/* Writes run.json below directory. Returns 0, or -1 with errno set. */
int run_record_json(const char *directory, const struct run_facts *facts,
                    const struct experiment *experiment, const struct results *results,
                    const struct job_place *places);

#endif
