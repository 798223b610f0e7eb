/* SPDX-License-Identifier: MIT */
/*
 * Where libpfm 4.13 encodes an event otherwise than Intel's event lists do. Found by encoding
 * every event of Intel's lists that libpfm knows and comparing.
 */
#ifndef EXITMETER_BENCH_PMU_CORRECTION_H
#define EXITMETER_BENCH_PMU_CORRECTION_H

#include <stdint.h>

struct pmu_correction {
    const char *models; /* names, with a space before and after each */
    const char *event;  /* EVENT:UNITMASK, libpfm's */
    uint64_t code;      /* event select, unit mask, counter mask, edge and invert by Intel */
    uint32_t extra_msr; /* that has to hold extra_value while it counts; 0: none */
    uint64_t extra_value;
};

/*
 * The row for an event of a model, given as libpfm's full name of it without the model's
 * (EVENT:UNITMASK:k=1:u=0 ...), or NULL if libpfm is right.
 */
const struct pmu_correction *pmu_correction_find(const char *model, const char *full_name);

#endif
