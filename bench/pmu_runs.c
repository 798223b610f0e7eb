/* SPDX-License-Identifier: MIT */
#include "pmu_runs.h"

#include "text.h"

#include <stdlib.h>

/* A run's counters in one row: the fixed ones first, then the general ones. */
#define COUNTERS (2 * PMU_COUNTERS_MAX)
#define FREE     (-1L)

struct run {
    long counts[COUNTERS]; /* index of the event, or FREE */
};

/* Where there are such counters at all on this CPU. */
static uint64_t row_of(unsigned general, unsigned fixed)
{
    uint64_t all = (1ull << PMU_COUNTERS_MAX) - 1;
    uint64_t fixed_bits = fixed < PMU_COUNTERS_MAX ? (1ull << fixed) - 1 : all;
    uint64_t general_bits = general < PMU_COUNTERS_MAX ? (1ull << general) - 1 : all;
    return fixed_bits | general_bits << PMU_COUNTERS_MAX;
}

/* Those that can count an event. */
static uint64_t able(const struct pmu_event *event)
{
    return (event->fixed < 0 ? 0 : 1ull << event->fixed) | (uint64_t)event->counters
                                                               << PMU_COUNTERS_MAX;
}

static bool extra_msr_agrees(const struct run *run, const struct pmu_event *events,
                             const struct pmu_event *event)
{
    for (unsigned i = 0; event->extra_msr && i < COUNTERS; i++) {
        const struct pmu_event *other = run->counts[i] == FREE ? NULL : &events[run->counts[i]];
        if (other && other->extra_msr == event->extra_msr &&
            other->extra_value != event->extra_value)
            return false;
    }
    return true;
}

/*
 * Finds a counter for an event, a free one or one that the event on it can leave for another: an
 * augmenting path of bipartite matching. *left: counters that are still to be looked at.
 */
static bool find_counter(struct run *run, const struct pmu_event *events, long event,
                         uint64_t *left)
{
    uint64_t mine = able(&events[event]);
    for (unsigned move = 0; move < 2; move++)
        for (unsigned i = 0; i < COUNTERS; i++) {
            if (!(mine & *left & 1ull << i) || (run->counts[i] != FREE && !move))
                continue;
            *left &= ~(1ull << i);
            if (run->counts[i] == FREE || find_counter(run, events, run->counts[i], left)) {
                run->counts[i] = event;
                return true;
            }
        }
    return false;
}

static bool side_is_full(const struct run *run, const struct pmu_event *events, bool guest,
                         unsigned each_side)
{
    unsigned taken = 0;
    for (unsigned i = 0; i < COUNTERS; i++)
        taken += run->counts[i] != FREE && events[run->counts[i]].guest == guest;
    return taken >= each_side;
}

static bool fits(struct run *run, const struct pmu_event *events, long event, unsigned each_side,
                 uint64_t row)
{
    return !side_is_full(run, events, events[event].guest, each_side) &&
           extra_msr_agrees(run, events, &events[event]) && find_counter(run, events, event, &row);
}

static void add_run(struct run *run)
{
    for (unsigned i = 0; i < COUNTERS; i++)
        run->counts[i] = FREE;
}

int pmu_runs_make(const struct pmu_event *events, size_t count, unsigned general_counters,
                  unsigned fixed_counters, unsigned each_side, struct pmu_place *places,
                  size_t *runs, char **error)
{
    uint64_t row = row_of(general_counters, fixed_counters);
    struct run *made = zeroed(count, sizeof(*made));
    *runs = 0;
    for (size_t event = 0; event < count; event++) {
        size_t run = 0;
        if (!(able(&events[event]) & row)) {
            *error = text("no counter counts '%s' on a CPU with %u general and %u fixed counters",
                          events[event].name, general_counters, fixed_counters);
            free(made);
            return -1;
        }
        while (run < *runs && !fits(&made[run], events, (long)event, each_side, row))
            run++;
        if (run == *runs) {
            add_run(&made[(*runs)++]);
            fits(&made[run], events, (long)event, each_side, row);
        }
    }
    for (size_t run = 0; run < *runs; run++)
        for (unsigned i = 0; i < COUNTERS; i++)
            if (made[run].counts[i] != FREE)
                places[made[run].counts[i]] = (struct pmu_place){
                    .run = run, .fixed = i < PMU_COUNTERS_MAX, .counter = i % PMU_COUNTERS_MAX};
    free(made);
    return 0;
}
