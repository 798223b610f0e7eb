/* SPDX-License-Identifier: MIT */
/* Events on the simulated CPU's PMU, and what was written to get them there. */
#ifndef EXITMETER_CORE_TESTS_PERFORMANCE_FIXTURE_H
#define EXITMETER_CORE_TESTS_PERFORMANCE_FIXTURE_H

#include "../vmx/performance.h"
#include "tests.h"

#define ALL_RINGS (PERFEVTSEL_OS | PERFEVTSEL_USR)

#define RAW(bits, side)                                 \
    {                                                   \
        .selector = (bits), .where = PERFORMANCE_##side \
    }
#define FIXED(index, side)                                              \
    {                                                                   \
        .fixed = true, .selector = (index), .where = PERFORMANCE_##side \
    }

extern struct performance fixture_performance;

/* performance_start() on what the CPU is found to have; writes are logged from here on. */
void performance_fixture_start(const char *apart_absent, const struct performance_event *events,
                               uint32_t count);

/* These WRMSRs, in this order, and no others since the last call. */
void expect_writes(const struct simulated_write *writes, size_t count);

#endif
