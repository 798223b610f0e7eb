/* SPDX-License-Identifier: MIT */
#include "pmu_groups.h"

#include "pmu_runs.h"
#include "text.h"

#include <stdlib.h>

static struct plan_event plan_event(const struct pmu_event *event, const struct pmu_place *place)
{
    if (place->fixed)
        return (struct plan_event){.kind = PLAN_EVENT_FIXED, .selector = place->counter};
    return (struct plan_event){
        .kind = PLAN_EVENT_GENERAL,
        .selector = event->selector,
        .counters = event->counters == PMU_ANY_COUNTER ? 0 : event->counters,
        .extra_msr = event->extra_msr,
        .extra_value = event->extra_value,
    };
}

/* Takes the next free place of the run's group. */
static void fill(struct pmu_groups *groups, size_t event, enum plan_side side,
                 const struct pmu_place *at)
{
    struct plan_event *events = groups->groups[at->run].events[side];
    uint32_t place = 0;

    while (events[place].kind != PLAN_EVENT_NONE)
        place++;
    events[place] = plan_event(&groups->events[event], at);
    groups->slots[event][side] =
        (struct pmu_slot){(uint32_t)at->run + 1, place, at->fixed, at->counter};
}

int pmu_groups_make(const char *list, const struct pmu_model *model, struct pmu_groups *groups,
                    char **error)
{
    size_t runs = 0;

    *groups = (struct pmu_groups){.model = model};
    if (pmu_events_encode(list, model, &groups->events, &groups->event_count, error) < 0)
        return -1;
    struct pmu_event *twice = zeroed(PLAN_SIDES * groups->event_count, sizeof(*twice));
    struct pmu_place *places = zeroed(PLAN_SIDES * groups->event_count, sizeof(*places));
    for (size_t i = 0; i < groups->event_count; i++)
        for (int side = 0; side < PLAN_SIDES; side++) {
            twice[PLAN_SIDES * i + (size_t)side] = groups->events[i];
            twice[PLAN_SIDES * i + (size_t)side].guest = side == PLAN_GUEST;
        }
    int result = pmu_runs_make(twice, PLAN_SIDES * groups->event_count, model->general_counters,
                               model->fixed_counters, PROBE_EVENTS, places, &runs, error);
    if (result == 0 && runs > PLAN_GROUPS_MAX) {
        *error = text("%zu events take %zu runs; at most %u fit into one boot", groups->event_count,
                      runs, PLAN_GROUPS_MAX);
        result = -1;
    }
    if (result == 0) {
        groups->group_count = (uint32_t)runs;
        groups->groups = zeroed(runs, sizeof(*groups->groups));
        groups->slots = zeroed(groups->event_count, sizeof(*groups->slots));
        for (size_t i = 0; i < PLAN_SIDES * groups->event_count; i++)
            fill(groups, i / PLAN_SIDES, i % PLAN_SIDES == PLAN_GUEST ? PLAN_GUEST : PLAN_HOST,
                 &places[i]);
    }
    free(twice);
    free(places);
    if (result < 0)
        pmu_groups_free(groups);
    return result;
}

const char *pmu_groups_name(const struct pmu_groups *groups, uint32_t group, enum plan_side side,
                            uint32_t place)
{
    for (size_t i = 0; i < groups->event_count; i++)
        if (groups->slots[i][side].group == group && groups->slots[i][side].place == place)
            return groups->events[i].name;
    return NULL;
}

void pmu_groups_free(struct pmu_groups *groups)
{
    pmu_events_free(groups->events, groups->event_count);
    free(groups->slots);
    free(groups->groups);
    *groups = (struct pmu_groups){0};
}
