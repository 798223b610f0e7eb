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
    const char *shown; /* the run directory as the user knows it; NULL: directory.path */
    char *image;       /* that the target boots; NULL: it was named, or there is none */
    double begun;      /* monotonic_seconds() as the command began */
    struct corpus corpus;
    struct experiment experiment;
    struct run_directory directory;
    struct boot_end end;
    double boot_seconds; /* of wall clock, that the machine ran */
    struct bytes region;
    struct results results;
};

/* Finds the files and makes the jobs. Returns an enum exit_code, after saying what is wrong. */
int run_prepare(struct run *run);

/* Names of the jobs on stdout, one a line, for --benchmark_list_tests. */
void run_list(const struct run *run);

/*
 * Boots and leaves the run directory, which run->directory has been opened for; interrupt_catch()
 * is the caller's. Returns an enum exit_code, or more after a signal.
 */
int run_carry_out(struct run *run);

/* All of run_prepare() and run_carry_out(), in a directory named by the options. */
int run_alone(struct run *run);

void run_release(struct run *run);

#endif
