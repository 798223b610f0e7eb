/* SPDX-License-Identifier: MIT */
/*
 * What is wrong with an event that libpfm does not encode: the wrong part of it, which names are
 * near, which models have it.
 */
#ifndef EXITMETER_BENCH_PMU_COMPLAINT_H
#define EXITMETER_BENCH_PMU_COMPLAINT_H

#include "pmu_model.h"

/* A sentence, to be freed, for an event without its model's name and the code that libpfm gave. */
char *pmu_complaint(const char *item, const struct pmu_model *model, int code);

#endif
