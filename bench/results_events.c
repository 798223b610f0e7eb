/* SPDX-License-Identifier: MIT */
#include "results_events.h"

#include "text.h"

#include <string.h>

/* The job's group; the experiment made it. */
static bool is_wanted(const struct job *job, unsigned side, unsigned place)
{
    return job->events && job->events->events[side][place].kind != PLAN_EVENT_NONE;
}

bool events_read(const struct job *job, const struct bytes *region, struct job_outcome *outcome)
{
    struct events_result results = {0};
    bool sound = true, any = false;

    if (job->plan.group)
        memcpy(&results, region->data + job->plan.results_offset + EVENTS_OFFSET, sizeof(results));
    for (unsigned side = 0; side < PLAN_SIDES; side++)
        for (unsigned place = 0; place < PROBE_EVENTS; place++) {
            struct event_result *event = &results.events[side][place];
            bool told = event->state == EVENT_COUNTED || event->state == EVENT_ABSENT;
            event->absent[sizeof(event->absent) - 1] = '\0';
            printable(event->absent);
            sound &= is_wanted(job, side, place) ? told : event->state == EVENT_NONE;
            sound &= (event->state == EVENT_ABSENT) == (event->absent[0] != '\0');
            any |= event->state == EVENT_COUNTED;
            outcome->events[side][place].result = *event;
        }
    return sound && any == (job->plan.group > 0 && outcome->probe_level == PROBE_PMU);
}

/* The counter at a place of those that begin with this field of a wide record. */
static uint32_t counter_at(const uint8_t *record, size_t field, unsigned place)
{
    uint32_t value;
    memcpy(&value, record + field + place * sizeof(value), sizeof(value));
    return value;
}

static void count_one(const uint8_t *record, uint32_t records, unsigned side, unsigned place,
                      struct event_outcome *event)
{
    size_t from = offsetof(struct wide_record, entered_0);
    size_t to = offsetof(struct wide_record, entering_0);
    uint64_t sum = 0, count = 0;
    uint32_t before = 0, mask = (uint32_t)event->result.mask;
    bool has_before = side == PLAN_HOST; /* the guest's goes from record to record */

    if (side == PLAN_GUEST)
        from = to = offsetof(struct wide_record, guest_0);
    for (uint32_t i = 0; i < records; i++, record += sizeof(struct wide_record)) {
        uint32_t flags;
        memcpy(&flags, record + offsetof(struct record, flags), sizeof(flags));
        if (flags & RECORD_LEFT)
            continue;
        if (side == PLAN_HOST)
            before = counter_at(record, from, place);
        if (has_before) {
            sum += (counter_at(record, to, place) - before) & mask;
            count++;
        }
        before = counter_at(record, to, place);
        has_before = true;
    }
    event->has_mean = count > 0;
    event->mean = count ? (double)sum / (double)count : 0;
}

void events_count(struct job_outcome *outcome)
{
    const struct phase_outcome *op = &outcome->phases[PHASE_OP];

    for (unsigned side = 0; side < PLAN_SIDES; side++)
        for (unsigned place = 0; place < PROBE_EVENTS; place++) {
            struct event_outcome *event = &outcome->events[side][place];
            if (event->result.state == EVENT_COUNTED && op->packet)
                count_one(op->packet + sizeof(struct packet_header), op->records, side, place,
                          event);
        }
}
