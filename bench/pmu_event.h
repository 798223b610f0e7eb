/* SPDX-License-Identifier: MIT */
/*
 * Performance events by name, encoded for the PMU model of the target's CPU. The core gets raw
 * selectors and knows no names.
 */
#ifndef EXITMETER_BENCH_PMU_EVENT_H
#define EXITMETER_BENCH_PMU_EVENT_H

#include "pmu_model.h"

/*
 * Bits of a selector: those of IA32_PERFEVTSELx (SDM Vol. 3B, Architectural Performance
 * Monitoring). Those that say when it counts, not what, are the core's and always 0 here: PC (19,
 * pin control), INT (20, interrupt on overflow) and EN (22, enable).
 */
#define PMU_EVENT_SELECT  0x00000000ffull /* the unit that counts */
#define PMU_UNIT_MASK     0x000000ff00ull /* what that unit counts */
#define PMU_USR           0x0000010000ull /* count at CPL 1 to 3 */
#define PMU_OS            0x0000020000ull /* count at CPL 0: always set */
#define PMU_EDGE          0x0000040000ull /* count rises of the condition, not cycles of it */
#define PMU_ANY_THREAD    0x0000200000ull /* count for both logical processors of the core */
#define PMU_INVERT        0x0000800000ull /* turns the comparison with the counter mask round */
#define PMU_COUNTER_MASK  0x00ff000000ull /* count cycles with as many or more; 0: events */
#define PMU_IN_TX         0x0100000000ull /* count in transactions alone */
#define PMU_IN_TXCP       0x0200000000ull /* leave out what transactions that abort count */
#define PMU_SELECTOR_BITS 0x03ffa7ffffull

struct pmu_event {
    char *name;      /* as the user wrote it */
    char *full_name; /* with the unit mask and modifiers that libpfm made of it */
    /*
     * Its OS and USR bits hold for a fixed counter as well (IA32_FIXED_CTR_CTRL has a pair for
     * each). The event select is 0 if no general counter can count it.
     */
    uint64_t selector;
    int fixed; /* 0 instructions retired, 1 core cycles, 2 reference cycles, 3 slots; or -1 */
    uint32_t counters;  /* general counters that can count it, a bit each; 0: none */
    uint32_t extra_msr; /* must hold extra_value while it counts; 0: none is needed */
    uint64_t extra_value;
    bool guest; /* to count in the guest rather than the host: pmu_runs.h limits each side */
};

/*
 * Encodes a list of events, separated by commas. An event is a generic name (pmu_architectural.h)
 * or EVENT[:UNITMASK][:MODIFIER]..., as libpfm knows it for this model, with points or colons. It
 * counts at CPL 0, and at CPL 3 too with the modifiers :k:u. Returns 0 and the events,
 * pmu_events_free(); or -1 and *error, to be freed.
 */
int pmu_events_encode(const char *list, const struct pmu_model *model, struct pmu_event **events,
                      size_t *count, char **error);

void pmu_events_free(struct pmu_event *events, size_t count);

#endif
