/* SPDX-License-Identifier: MIT */
/*
 * Models of performance monitoring units, by libpfm's names (hsw, skx, icx, spr ...). libpfm finds
 * out the model of the host; the one wanted here is that of the target's CPU, which may be another.
 */
#ifndef EXITMETER_BENCH_PMU_MODEL_H
#define EXITMETER_BENCH_PMU_MODEL_H

#include "pmu_restriction.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <perfmon/pfmlib.h>

/*
 * The numbers of counters are those of a logical processor while its sibling is in use; what a CPU
 * really has, CPUID.0AH tells there (SDM Vol. 3B, Architectural Performance Monitoring).
 */
struct pmu_model {
    const char *name; /* libpfm's */
    uint32_t general_counters;
    uint32_t fixed_counters;
    const struct pmu_restriction *restrictions; /* NULL: any general counter counts any event */
};

extern const struct pmu_model pmu_models[];
extern const size_t pmu_model_count;

/*
 * Starts libpfm, once, so that it encodes for CPUs that are not here. False with *error, to be
 * freed, if it does not start. To be called before anything else of the PMU but the two below.
 */
bool pmu_library_open(char **error);

/* The model of this name, or NULL. */
const struct pmu_model *pmu_model_find(const char *name);

/*
 * The model of an Intel CPU with this signature, EAX of CPUID.01H (SDM Vol. 2A, CPUID, "Version
 * Information"), or NULL if libpfm has none for it.
 */
const struct pmu_model *pmu_model_of_signature(uint32_t cpuid_1_eax);

/* What libpfm says of a model; false if the libpfm here does not have it. */
bool pmu_model_info(const struct pmu_model *model, pfm_pmu_info_t *info);

#endif
