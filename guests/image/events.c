/* SPDX-License-Identifier: MIT */
#include "events.h"

#include "../results.h"
#include "driver.h"
#include "plan_check.h"

#include <string.h>

#define EVENTS (PLAN_SIDES * PROBE_EVENTS)

_Static_assert(EVENTS <= PERFORMANCE_EVENTS_MAX, "the core takes a whole group");

static void copy_text(char *to, const char *text, size_t room)
{
    size_t length = strlen(text);

    if (length >= room)
        length = room - 1;
    memcpy(to, text, length);
    to[length] = '\0';
}

static void say_absent(struct event_result *event, const char *why, uint32_t msr)
{
    event->state = EVENT_ABSENT;
    event->msr = msr;
    copy_text(event->absent, why, sizeof(event->absent));
}

/* All events of the group, for one reason; those that have one of their own keep it. */
static void all_absent(const struct plan_group *group, struct events_result *results,
                       const char *why)
{
    for (unsigned i = 0; i < EVENTS; i++) {
        struct event_result *event = &results->events[0][0] + i;
        if ((&group->events[0][0])[i].kind != PLAN_EVENT_NONE && event->state != EVENT_ABSENT)
            say_absent(event, why, 0);
    }
}

/* As the core wants them, without the empty places; place[i] is where the i-th stands. */
static uint32_t wanted(const struct plan_group *group, struct performance_event *events,
                       unsigned *place)
{
    static const enum performance_where where[PLAN_SIDES] = {
        [PLAN_HOST] = PERFORMANCE_HOST,
        [PLAN_GUEST] = PERFORMANCE_GUEST,
    };
    uint32_t count = 0;

    for (unsigned i = 0; i < EVENTS; i++) {
        const struct plan_event *event = &group->events[0][0] + i;
        if (event->kind == PLAN_EVENT_NONE)
            continue;
        place[count] = i;
        events[count++] = (struct performance_event){
            .fixed = event->kind == PLAN_EVENT_FIXED,
            .selector = event->selector,
            .counters = event->counters,
            .where = where[i / PROBE_EVENTS],
            .extra_msr = event->extra_msr,
            .extra_value = event->extra_value,
        };
    }
    return count;
}

/*
 * What became of each, and its place on the exit path: an event without a counter has that of
 * another there, so that every RDPMC reads one that is there. False if none is counted.
 */
static bool take_places(struct room *room, const unsigned *place, struct events_result *results)
{
    const struct performance *performance = &room->performance;
    uint32_t rdpmc[EVENTS], any = 0;
    bool counted[EVENTS] = {false}, some = false;

    for (uint32_t i = 0; i < performance->count; i++) {
        const struct performance_counter *counter = &performance->events[i];
        struct event_result *event = &results->events[0][0] + place[i];
        if (counter->absent) {
            say_absent(event, counter->absent, counter->msr);
            continue;
        }
        *event = (struct event_result){
            .state = EVENT_COUNTED, .rdpmc = counter->rdpmc, .mask = counter->mask};
        counted[place[i]] = some = true;
        rdpmc[place[i]] = any = counter->rdpmc;
    }
    for (unsigned i = 0; some && i < PROBE_EVENTS; i++) {
        struct probe_cpu *probes = room->driver->probes;
        unsigned guest = PLAN_GUEST * PROBE_EVENTS + i;
        probes->host_events[i] = counted[i] ? rdpmc[i] : any;
        probes->guest_events[i] = counted[guest] ? rdpmc[guest] : any;
    }
    return some;
}

/* False if no event of the group is counted, and then nothing of the PMU is changed. */
static bool start(struct room *room, const struct plan_group *group, struct events_result *results)
{
    const struct vmx_capability *vmx = &room->driver->vmx->capability;
    struct performance *performance = &room->performance;
    struct performance_capability capability;
    struct performance_event events[EVENTS];
    unsigned place[EVENTS];

    performance_detect(&capability);
    performance_start(performance, &capability, vcpu_performance_absent(vmx), events,
                      wanted(group, events, place));
    if (!take_places(room, place, results))
        return false;
    if (vcpu_set_performance(room->vcpu, performance->host, performance->guest))
        return true;
    const char *why = room->vcpu->stop.text;
    all_absent(group, results, why ? why : "IA32_PERF_GLOBAL_CTRL cannot be loaded on VM exits");
    events_end(room);
    return false;
}

static uint32_t lower(struct job_result *result, uint32_t level, const char *why)
{
    copy_text(result->lowered, why, sizeof(result->lowered));
    return level;
}

uint32_t events_begin(struct room *room, const struct plan_job *job, struct job_result *result)
{
    static const char no_stamp[] = "VM exits cannot store the CPU's own time stamp";
    const struct plan_group *group =
        job->group ? &plan_groups(room->driver->plan)[job->group - 1] : NULL;
    struct events_result *results = (struct events_result *)((char *)result + EVENTS_OFFSET);

    if (job->probe_level < PROBE_HARDWARE)
        return job->probe_level;
    if (!vcpu_set_hardware_stamp(room->vcpu, true)) {
        if (group)
            all_absent(group, results, no_stamp);
        return lower(result, PROBE_FULL, no_stamp);
    }
    if (!group || start(room, group, results))
        return job->probe_level;
    return lower(result, PROBE_HARDWARE, "no event of its group is counted");
}

void events_end(struct room *room)
{
    const char *lost = performance_stop(&room->performance);

    if (lost)
        platform_log("performance counters could not be put back: %s\n", lost);
    room->performance = (struct performance){0};
}
