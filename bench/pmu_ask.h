/* SPDX-License-Identifier: MIT */
/*
 * What libpfm says of an event. The library must be open.
 */
#ifndef EXITMETER_BENCH_PMU_ASK_H
#define EXITMETER_BENCH_PMU_ASK_H

#include "pmu_model.h"

/*
 * Encodes EVENT[:UNITMASK][:MODIFIER]... Returns libpfm's code; on PFM_SUCCESS codes has what the
 * counter's selector takes and then, or 0, what else the event takes, and *full the name without
 * the model's, to be freed.
 */
int pmu_ask(const char *item, const struct pmu_model *model, uint64_t codes[2], char **full);

/* Whether a model has an event, by its generic name or libpfm's. */
bool pmu_event_exists(const char *name, const struct pmu_model *model);

#endif
