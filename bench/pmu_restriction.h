/* SPDX-License-Identifier: MIT */
/*
 * Which general counters can count an event: some events work on a few of them only, and a
 * counter that cannot count what it is told reads 0 or worse. libpfm knows and does not tell, so
 * these are Intel's own event lists (columns Counter and CounterHTOff), by microarchitecture.
 */
#ifndef EXITMETER_BENCH_PMU_RESTRICTION_H
#define EXITMETER_BENCH_PMU_RESTRICTION_H

#include <stdint.h>

#define PMU_ANY_COUNTER 0xffffffffu

/* For events from first to last; ends with a counters of 0; the first that fits counts. */
struct pmu_restriction {
    uint8_t first, last; /* event select */
    int16_t unit_mask;   /* or -1 for any */
    uint32_t counters;   /* one bit for each general counter that can */
};

extern const struct pmu_restriction pmu_restrictions_core[];
extern const struct pmu_restriction pmu_restrictions_nhm[];
extern const struct pmu_restriction pmu_restrictions_wsm[];
extern const struct pmu_restriction pmu_restrictions_snb[];
extern const struct pmu_restriction pmu_restrictions_ivb[]; /* and Haswell, Broadwell */
extern const struct pmu_restriction pmu_restrictions_skl[];
extern const struct pmu_restriction pmu_restrictions_icl[];
extern const struct pmu_restriction pmu_restrictions_spr[];

/* The general counters that can count this event, PMU_ANY_COUNTER if it is in no row. */
uint32_t pmu_counters(const struct pmu_restriction *restrictions, uint64_t selector);

#endif
