/* SPDX-License-Identifier: MIT */
/*
 * A run's figures through Google Benchmark: the table on stdout, benchmark.json, --benchmark_out.
 */
#ifndef EXITMETER_BENCH_RUN_REPORT_H
#define EXITMETER_BENCH_RUN_REPORT_H

#include "experiment.h"
#include "gb_flags.h"
#include "results.h"
#include "run_record.h"

/*
 * Reports every job that measures, by benchmark, policy and repetition, and writes the file at path
 * json. Returns 0, or -1 with *error set; free() it. Call once.
 */
int run_report(const struct experiment *experiment, const struct results *results,
               const struct run_facts *facts, const struct gb_flags *flags, const char *json,
               char **error);

#endif
