/* SPDX-License-Identifier: MIT */
/*
 * One run of benchmarks on one CPU model: select, boot once, take the results apart, leave a run
 * directory.
 */
#ifndef EXITMETER_BENCH_RUN_BENCHMARKS_H
#define EXITMETER_BENCH_RUN_BENCHMARKS_H

#include "files.h"
#include "results.h"
#include "run_directory.h"
#include "run_options.h"
#include "run_record.h"

struct run {
    struct run_options options; /* a copy: its strings belong to whoever gave them */
    struct run_facts facts;
    struct corpus corpus;
    struct experiment experiment;
    struct run_directory directory;
    struct boot_end end;
    struct bytes region;
    struct results results;
};

/* Finds the files and makes the jobs. Returns an enum exit_code, after saying what is wrong. */
int run_prepare(struct run *run);

/*
 * Boots and leaves the run directory, which run->directory has been opened for; interrupt_catch()
 * is the caller's. Returns an enum exit_code, or more after a signal.
 */
int run_carry_out(struct run *run);

/* All of run_prepare() and run_carry_out(), in a directory named by the options. */
int run_alone(struct run *run);

void run_release(struct run *run);

#endif
