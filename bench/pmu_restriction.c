/* SPDX-License-Identifier: MIT */
#include "pmu_restriction.h"

#include <stddef.h>

#define EVENT(select, counters)      \
    {                                \
        select, select, -1, counters \
    }
#define RANGE(first, last, counters) \
    {                                \
        first, last, -1, counters    \
    }
#define MASKED(select, unit_mask, counters) \
    {                                       \
        select, select, unit_mask, counters \
    }
#define END        \
    {              \
        0, 0, 0, 0 \
    }

const struct pmu_restriction pmu_restrictions_core[] = {
    EVENT(0x10, 0x1),
    EVENT(0x11, 0x2),
    EVENT(0x12, 0x2),
    EVENT(0x13, 0x2),
    EVENT(0x14, 0x1),
    EVENT(0x18, 0x1),
    EVENT(0x19, 0x2),
    EVENT(0xa1, 0x1),
    EVENT(0xc9, 0x1),
    EVENT(0xcb, 0x1),
    END,
};

const struct pmu_restriction pmu_restrictions_nhm[] = {
    MASKED(0x0b, 0x10, 0x8), /* MEM_INST_RETIRED.LATENCY_ABOVE_THRESHOLD */
    RANGE(0x40, 0x43, 0x3),  /* L1D_CACHE_LD and its like */
    EVENT(0x48, 0x3),
    EVENT(0x4c, 0x3),
    EVENT(0x4e, 0x3),
    RANGE(0x51, 0x53, 0x3), /* L1D */
    EVENT(0x63, 0x3),       /* CACHE_LOCK_CYCLES */
    EVENT(0xb7, 0x4),       /* OFFCORE_RESPONSE_0 */
    END,
};

const struct pmu_restriction pmu_restrictions_wsm[] = {
    MASKED(0x0b, 0x10, 0x8),
    EVENT(0x4c, 0x3),
    EVENT(0x4e, 0x3),
    RANGE(0x51, 0x52, 0x3),
    EVENT(0x60, 0x1), /* OFFCORE_REQUESTS_OUTSTANDING */
    EVENT(0x63, 0x3),
    EVENT(0xb3, 0x1), /* SNOOPQ_REQUESTS_OUTSTANDING */
    END,
};

/*
 * From Sandy Bridge to Broadwell: counters 4 to 7 exist where hyper-threading is off, and these
 * do not count there. Some of them do with one counter mask and not with another; none here does.
 */
#define NOT_ON_UPPER_COUNTERS                                                                 \
    EVENT(0x0e, 0xf), MASKED(0x3c, 0x02, 0xf), MASKED(0x79, 0x02, 0xf), EVENT(0x9c, 0xf),     \
        EVENT(0xa0, 0xf), EVENT(0xa3, 0xf), MASKED(0xb1, 0x01, 0xf), EVENT(0xb7, 0xf),        \
        EVENT(0xbb, 0xf), EVENT(0xbc, 0xf), MASKED(0xc2, 0x01, 0xf), MASKED(0xc4, 0x04, 0xf), \
        MASKED(0xc5, 0x04, 0xf), EVENT(0xc7, 0xf), EVENT(0xc9, 0xf), MASKED(0xca, 0x1e, 0xf), \
        RANGE(0xd0, 0xd4, 0xf)

const struct pmu_restriction pmu_restrictions_snb[] = {
    MASKED(0x48, 0x01, 0x4), /* L1D_PEND_MISS.PENDING */
    MASKED(0xa3, 0x02, 0x4), /* CYCLE_ACTIVITY.CYCLES_L1D_PENDING */
    MASKED(0xa3, 0x06, 0x4), /* CYCLE_ACTIVITY.STALLS_L1D_PENDING */
    MASKED(0xc0, 0x01, 0x2), /* INST_RETIRED.PREC_DIST */
    EVENT(0xcd, 0x8),        /* MEM_TRANS_RETIRED */
    NOT_ON_UPPER_COUNTERS,   END,
};

const struct pmu_restriction pmu_restrictions_ivb[] = {
    MASKED(0x48, 0x01, 0x4), MASKED(0xa3, 0x08, 0x4), /* CYCLE_ACTIVITY.CYCLES_L1D_PENDING */
    MASKED(0xa3, 0x0c, 0x4),                          /* CYCLE_ACTIVITY.STALLS_L1D_PENDING */
    MASKED(0xc0, 0x01, 0x2), EVENT(0xcd, 0x8),        NOT_ON_UPPER_COUNTERS, END,
};

const struct pmu_restriction pmu_restrictions_skl[] = {
    MASKED(0xa3, 0x14, 0xf),
    EVENT(0xb7, 0xf), /* OFFCORE_RESPONSE_0 and 1 */
    EVENT(0xbb, 0xf),
    MASKED(0xc0, 0x01, 0x2), /* INST_RETIRED.PREC_DIST */
    MASKED(0xc4, 0x04, 0xf),
    MASKED(0xc5, 0x04, 0xf),
    EVENT(0xc6, 0xf),
    EVENT(0xcd, 0xf),
    RANGE(0xd0, 0xd4, 0xf), /* MEM_INST_RETIRED, MEM_LOAD_RETIRED ... */
    END,
};

const struct pmu_restriction pmu_restrictions_icl[] = {
    RANGE(0x03, 0x0a, 0xf),
    RANGE(0x1f, 0x28, 0xf),
    EVENT(0x32, 0xf),
    RANGE(0x48, 0x56, 0xf),
    RANGE(0x60, 0x8b, 0xf),
    MASKED(0xa3, 0x04, 0xff), /* CYCLE_ACTIVITY.STALLS_TOTAL, CYCLES_MEM_ANY, STALLS_MEM_ANY */
    MASKED(0xa3, 0x10, 0xff),
    MASKED(0xa3, 0x14, 0xff),
    EVENT(0xa3, 0xf),
    RANGE(0xa8, 0xb0, 0xf),
    RANGE(0xb7, 0xbd, 0xf),
    RANGE(0xd0, 0xe6, 0xf),
    RANGE(0xef, 0xf4, 0xf),
    END,
};

const struct pmu_restriction pmu_restrictions_spr[] = {
    EVENT(0x2e, 0xff), /* LONGEST_LAT_CACHE and CPU_CLK_UNHALTED are architectural */
    EVENT(0x3c, 0xff),
    RANGE(0x01, 0x8f, 0xf),
    MASKED(0xa3, 0x04, 0xff),
    MASKED(0xa3, 0x10, 0xff),
    EVENT(0xa3, 0xf),
    MASKED(0xa4, 0x04, 0x1), /* TOPDOWN.BAD_SPEC_SLOTS, BR_MISPREDICT_SLOTS */
    MASKED(0xa4, 0x08, 0x1),
    MASKED(0xcd, 0x01, 0xfe), /* MEM_TRANS_RETIRED.LOAD_LATENCY, STORE_SAMPLE */
    MASKED(0xcd, 0x02, 0x1),
    EVENT(0xce, 0x1), /* AMX_OPS_RETIRED */
    RANGE(0xd0, 0xdf, 0xf),
    END,
};

uint32_t pmu_counters(const struct pmu_restriction *restrictions, uint64_t selector)
{
    uint32_t event = selector & 0xff, unit_mask = selector >> 8 & 0xff;
    for (const struct pmu_restriction *row = restrictions; row && row->counters; row++)
        if (event >= row->first && event <= row->last &&
            (row->unit_mask < 0 || (uint32_t)row->unit_mask == unit_mask))
            return row->counters;
    return PMU_ANY_COUNTER;
}
