/* SPDX-License-Identifier: MIT */
/*
 * The numbers and texts that options of `run` give, read and held to their limits.
 */
#ifndef EXITMETER_BENCH_RUN_OPTION_VALUES_H
#define EXITMETER_BENCH_RUN_OPTION_VALUES_H

#include "run_options.h"

/* Also the defaults of those not given. False after saying which option has what it cannot take. */
bool run_option_values_read(struct run_options *options);

#endif
