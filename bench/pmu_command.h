/* SPDX-License-Identifier: MIT */
/*
 * What the subcommands of `pmu` share.
 */
#ifndef EXITMETER_BENCH_PMU_COMMAND_H
#define EXITMETER_BENCH_PMU_COMMAND_H

#include "pmu_model.h"

/*
 * The model of this name, or that of the default CPU model of the default target if name is NULL.
 * Starts libpfm. NULL after saying what is wrong, with *code set.
 */
const struct pmu_model *pmu_model_wanted(const char *command, const char *name, int *code);

#endif
