/* SPDX-License-Identifier: MIT */
/*
 * Pre-defined architectural performance events (SDM Vol. 3B, table of that name): the same on every
 * CPU, so their generic names work on every model.
 */
#ifndef EXITMETER_BENCH_PMU_ARCHITECTURAL_H
#define EXITMETER_BENCH_PMU_ARCHITECTURAL_H

#include "pmu_model.h"

struct pmu_architectural {
    const char *name;
    const char *alias;    /* another name for it, or NULL */
    const char *title;    /* the SDM's */
    uint32_t code;        /* event select and unit mask; 0: on the fixed counter alone */
    int fixed;            /* counter, or -1 */
    uint32_t least_fixed; /* only CPUs with this many fixed counters have it */
};

extern const struct pmu_architectural pmu_architectural_events[];
extern const size_t pmu_architectural_count;

/* The event of this name, of length characters, in any case of letters; or NULL. */
const struct pmu_architectural *pmu_architectural_find(const char *name, size_t length);

static inline bool pmu_architectural_on(const struct pmu_architectural *event,
                                        const struct pmu_model *model)
{
    return model->fixed_counters >= event->least_fixed;
}

#endif
