/* SPDX-License-Identifier: MIT */
/*
 * The PMU model that a command is to use.
 */
#ifndef EXITMETER_BENCH_PMU_WANTED_H
#define EXITMETER_BENCH_PMU_WANTED_H

#include "pmu_model.h"

/*
 * The model of this name, or that of the default CPU model of the default target if name is NULL.
 * Starts libpfm. NULL after saying what is wrong, with *code set.
 */
const struct pmu_model *pmu_model_wanted(const char *command, const char *name, int *code);

#endif
