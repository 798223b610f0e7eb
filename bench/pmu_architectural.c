/* SPDX-License-Identifier: MIT */
#include "pmu_architectural.h"

#include <string.h>

/*
 * Reference cycles on a general counter (3CH, 01H) tick at the rate of the core crystal or the bus,
 * on fixed counter 2 at that of the TSC. One name must not mean two units: only the latter is here.
 */
const struct pmu_architectural pmu_architectural_events[] = {
    {"instructions", NULL, "Instruction Retired", 0x00c0, 0, 0},
    {"cycles", "cpu-cycles", "UnHalted Core Cycles", 0x003c, 1, 0},
    {"ref-cycles", NULL, "UnHalted Reference Cycles, at the rate of the TSC", 0, 2, 0},
    {"slots", NULL, "Topdown Slots", 0x01a4, 3, 4},
    {"cache-references", "LLC_REFERENCES", "LLC Reference", 0x4f2e, -1, 0},
    {"cache-misses", "LLC_MISSES", "LLC Misses", 0x412e, -1, 0},
    {"branches", "branch-instructions", "Branch Instruction Retired", 0x00c4, -1, 0},
    {"branch-misses", NULL, "Branch Misses Retired", 0x00c5, -1, 0},
};

const size_t pmu_architectural_count =
    sizeof(pmu_architectural_events) / sizeof(pmu_architectural_events[0]);

static bool is(const char *name, size_t length, const char *known)
{
    return known && strlen(known) == length && strncasecmp(name, known, length) == 0;
}

const struct pmu_architectural *pmu_architectural_find(const char *name, size_t length)
{
    for (size_t i = 0; i < pmu_architectural_count; i++)
        if (is(name, length, pmu_architectural_events[i].name) ||
            is(name, length, pmu_architectural_events[i].alias))
            return &pmu_architectural_events[i];
    return NULL;
}
