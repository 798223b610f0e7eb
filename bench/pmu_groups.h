/* SPDX-License-Identifier: MIT */
/*
 * The events of a run in groups, as the plan has them. Each event is counted twice: in the host and
 * in the guest, on a counter each, side by side where the counters suffice. A group is what counts
 * at once, so it takes jobs of its own.
 */
#ifndef EXITMETER_BENCH_PMU_GROUPS_H
#define EXITMETER_BENCH_PMU_GROUPS_H

#include "../guests/plan.h"
#include "pmu_event.h"

/* Where an event counts, on one side. */
struct pmu_slot {
    uint32_t group; /* from 1 on, as in plan_job.group */
    uint32_t place; /* index in plan_group.events[side] */
    bool fixed;
    unsigned counter; /* that it would get; the core finds one that works */
};

/* Zeroed, it is none. */
struct pmu_groups {
    const struct pmu_model *model;
    struct pmu_event *events;
    size_t event_count;
    struct pmu_slot (*slots)[PLAN_SIDES]; /* of each event */
    struct plan_group *groups;
    uint32_t group_count;
};

/* Encodes a list of events (pmu_event.h) and places them. Returns 0, or -1 and *error, to be freed.
 */
int pmu_groups_make(const char *list, const struct pmu_model *model, struct pmu_groups *groups,
                    char **error);

/* The name of the event at a place of a group, as the user wrote it; NULL if there is none. */
const char *pmu_groups_name(const struct pmu_groups *groups, uint32_t group, enum plan_side side,
                            uint32_t place);

void pmu_groups_free(struct pmu_groups *groups);

#endif
