/* SPDX-License-Identifier: MIT */
#include "performance.h"

#include "../x86/msr.h"
#include "performance_extra.h"

#include <stddef.h>

/* While events are being put on counters. */
struct placing {
    uint64_t
        allowed[PERFORMANCE_EVENTS_MAX];     /* numbers of counters, of an event that is still in */
    unsigned number[PERFORMANCE_EVENTS_MAX]; /* the counter it got */
    int8_t owner[PERFORMANCE_NUMBERS];       /* event on a counter; -1: none */
    uint64_t useless;                        /* counters that failed their proof ... */
    struct performance_fault faults[PERFORMANCE_NUMBERS]; /* ... and why */
};

static void drop(struct performance *performance, uint32_t event, struct performance_fault why)
{
    performance->events[event] = (struct performance_counter){.absent = why.text, .msr = why.msr};
}

static void put_back(struct performance *performance, unsigned number)
{
    struct performance_fault fault = {0};
    if (!performance_put_back(performance, number, &fault) && !performance->lost)
        performance->lost = fault.text;
}

static bool is_in(const struct performance *performance, uint32_t event)
{
    return !performance->events[event].absent;
}

/*
 * What each event may count on: one fixed-function counter, or any of several general-purpose ones.
 */
static uint64_t admit(struct performance *performance, struct placing *placing,
                      const char *apart_absent, const struct performance_event *events)
{
    uint64_t wanted = 0;

    for (uint32_t i = 0; i < performance->count; i++) {
        const struct performance_event *event = &events[i];
        const char *refusal = performance_refuses(&performance->capability, event);
        if (!refusal && event->where != PERFORMANCE_BOTH)
            refusal = apart_absent;
        if (refusal) {
            drop(performance, i, (struct performance_fault){.text = refusal});
            continue;
        }
        uint64_t allowed = event->fixed      ? 1ull << (PERFORMANCE_FIXED + event->selector)
                           : event->counters ? event->counters & PERFORMANCE_GENERAL
                                             : PERFORMANCE_GENERAL;
        placing->allowed[i] = allowed & performance->capability.counters;
        wanted |= placing->allowed[i];
    }
    return wanted;
}

/* Everything off, and the way back known. */
static bool take(struct performance *performance, uint64_t wanted, struct performance_fault *fault)
{
    if (performance->capability.version >= 2) {
        if (!performance_read(IA32_PERF_GLOBAL_CTRL, &performance->saved_global, fault))
            return false;
        performance->global_is_saved = true;
        if (!performance_write(IA32_PERF_GLOBAL_CTRL, 0, fault))
            return false;
    }
    if (wanted >> PERFORMANCE_FIXED) {
        if (!performance_read(IA32_FIXED_CTR_CTRL, &performance->saved_fixed_control, fault))
            return false;
        performance->fixed_control_is_saved = true;
        return performance_write(IA32_FIXED_CTR_CTRL, 0, fault);
    }
    return true;
}

static void prove_all(struct performance *performance, struct placing *placing, uint64_t wanted)
{
    for (unsigned number = 0; number < PERFORMANCE_NUMBERS; number++) {
        struct performance_fault *fault = &placing->faults[number];
        if (!(wanted >> number & 1))
            continue;
        if (!performance_save(performance, number, fault) ||
            !performance_prove(performance, number, fault))
            placing->useless |= 1ull << number;
    }
}

/* A counter for the event: a free one, or one whose event can have another. */
static bool place(struct placing *placing, uint32_t event, uint64_t *tried)
{
    uint64_t candidates = placing->allowed[event] & ~placing->useless;

    for (int free = 1; free >= 0; free--)
        for (uint64_t left = candidates; left; left &= left - 1) {
            unsigned number = (unsigned)__builtin_ctzll(left);
            int owner = placing->owner[number];
            if ((owner < 0) != free || *tried >> number & 1)
                continue;
            *tried |= 1ull << number;
            if (free || place(placing, (uint32_t)owner, tried)) {
                placing->owner[number] = (int8_t)event;
                placing->number[event] = number;
                return true;
            }
        }
    return false;
}

static void place_all(struct performance *performance, struct placing *placing)
{
    for (unsigned number = 0; number < PERFORMANCE_NUMBERS; number++)
        placing->owner[number] = -1;
    for (uint32_t i = 0; i < performance->count; i++) {
        uint64_t tried = 0, useless = placing->allowed[i] & placing->useless;
        if (!is_in(performance, i) || place(placing, i, &tried))
            continue;
        drop(performance, i,
             useless ? placing->faults[__builtin_ctzll(useless)]
                     : (struct performance_fault){
                           .text = "the counters that can count it are taken by other events"});
    }
    for (unsigned number = 0; number < PERFORMANCE_NUMBERS; number++)
        if (placing->owner[number] < 0)
            put_back(performance, number);
}

/* An event that has a counter has lost it. */
static void give_up(struct performance *performance, const struct placing *placing, uint32_t event,
                    struct performance_fault why)
{
    drop(performance, event, why);
    put_back(performance, placing->number[event]);
}

static void program(struct performance *performance, const struct placing *placing,
                    const struct performance_event *events)
{
    struct performance_fault fault;
    uint64_t control = 0;

    for (uint32_t i = 0; i < performance->count; i++) {
        unsigned number = placing->number[i];
        if (!is_in(performance, i))
            continue;
        fault = (struct performance_fault){0};
        if (!performance_extra_set(performance, &events[i], &fault) ||
            (!events[i].fixed &&
             !performance_write(performance_selector_msr(number), events[i].selector, &fault)) ||
            !performance_set(performance, number, 0, &fault))
            give_up(performance, placing, i, fault);
    }
    for (uint32_t i = 0; i < performance->count; i++) {
        unsigned number = placing->number[i];
        if (!is_in(performance, i))
            continue;
        fault = (struct performance_fault){0};
        if (events[i].fixed)
            control |= performance_fixed_control(number);
        else if (!performance_write(performance_selector_msr(number),
                                    events[i].selector | PERFEVTSEL_EN, &fault))
            give_up(performance, placing, i, fault);
    }
    fault = (struct performance_fault){0};
    if (performance->fixed_control_is_saved &&
        !performance_write(IA32_FIXED_CTR_CTRL, control, &fault))
        for (uint32_t i = 0; i < performance->count; i++)
            if (is_in(performance, i) && events[i].fixed)
                give_up(performance, placing, i, fault);
}

static void describe(struct performance *performance, const struct placing *placing,
                     const struct performance_event *events)
{
    for (uint32_t i = 0; i < performance->count; i++) {
        unsigned number = placing->number[i];
        if (!is_in(performance, i))
            continue;
        performance->events[i].rdpmc = performance_rdpmc(number);
        performance->events[i].mask = events[i].fixed ? performance->capability.fixed_mask
                                                      : performance->capability.general_mask;
        performance->host |= events[i].where & PERFORMANCE_HOST ? 1ull << number : 0;
        performance->guest |= events[i].where & PERFORMANCE_GUEST ? 1ull << number : 0;
    }
}

static void abandon(struct performance *performance, struct performance_fault why)
{
    for (uint32_t i = 0; i < performance->count; i++)
        if (is_in(performance, i))
            drop(performance, i, why);
    performance_stop(performance);
}

void performance_start(struct performance *performance,
                       const struct performance_capability *capability, const char *apart_absent,
                       const struct performance_event *events, uint32_t count)
{
    struct performance_fault fault = {0};
    struct placing placing = {0};

    *performance = (struct performance){
        .capability = *capability,
        .count = count < PERFORMANCE_EVENTS_MAX ? count : PERFORMANCE_EVENTS_MAX,
    };
    uint64_t wanted = admit(performance, &placing, apart_absent, events);
    if (!wanted)
        return;
    if (!take(performance, wanted, &fault)) {
        abandon(performance, fault);
        return;
    }
    prove_all(performance, &placing, wanted);
    place_all(performance, &placing);
    program(performance, &placing, events);
    describe(performance, &placing, events);
    if (!(performance->host | performance->guest) ||
        (capability->version >= 2 &&
         !performance_write(IA32_PERF_GLOBAL_CTRL, performance->host, &fault)))
        abandon(performance, fault);
}

const char *performance_stop(struct performance *performance)
{
    struct performance_fault fault = {0}, ignored = {0};

    /* Off in the reverse order, and on again last of all. What cannot be put back stays off. */
    if (performance->global_is_saved)
        performance_write(IA32_PERF_GLOBAL_CTRL, 0, &ignored);
    if (performance->fixed_control_is_saved)
        performance_write(IA32_FIXED_CTR_CTRL, 0, &ignored);
    for (unsigned number = PERFORMANCE_NUMBERS; number-- > 0;)
        put_back(performance, number);
    performance_extra_put_back(performance, &fault);
    if (performance->fixed_control_is_saved)
        performance_write(IA32_FIXED_CTR_CTRL, performance->saved_fixed_control, &fault);
    if (performance->global_is_saved)
        performance_write(IA32_PERF_GLOBAL_CTRL, performance->saved_global, &fault);
    performance->fixed_control_is_saved = performance->global_is_saved = false;
    performance->host = performance->guest = 0;
    if (!performance->lost)
        performance->lost = fault.text;
    return performance->lost;
}
