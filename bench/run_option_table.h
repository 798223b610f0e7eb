/* SPDX-License-Identifier: MIT */
/*
 * The options of `run`, one row each: what popt is told of it, where its value goes in struct
 * run_options, and which kind of run it is for.
 */
#ifndef EXITMETER_BENCH_RUN_OPTION_TABLE_H
#define EXITMETER_BENCH_RUN_OPTION_TABLE_H

#include "run_options.h"

/* As options_read(). What is given is in *options, to be freed by run_option_table_free(). */
bool run_option_table_read(const struct command *command, int argc, const char **argv,
                           struct run_options *options, int *code);

/* Whether each that is given is for the kind of run that is asked for; says which is not. */
bool run_option_table_fits(const struct run_options *options);

void run_option_table_free(struct run_options *options);

#endif
