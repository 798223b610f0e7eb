/* SPDX-License-Identifier: MIT */
/* Probe levels by name. */
#include "../probes/record.h"
#include "policy.h"

#include <string.h>

const char *const probe_level_names[PROBE_LEVELS] = {
    [PROBE_OFF] = "off",   [PROBE_COUNTS] = "counts",     [PROBE_STAMPS] = "stamps",
    [PROBE_FULL] = "full", [PROBE_HARDWARE] = "hardware", [PROBE_PMU] = "pmu"};

int probe_level_of(const char *name)
{
    for (int level = 0; level < (int)PROBE_LEVELS; level++)
        if (strcmp(name, probe_level_names[level]) == 0)
            return level;
    return -1;
}

const char *probe_level_name(unsigned level)
{
    return probe_level_names[level % PROBE_LEVELS];
}
