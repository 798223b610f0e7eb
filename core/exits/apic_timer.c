/* SPDX-License-Identifier: MIT */
#include "apic_timer.h"

#include "../x86/instructions.h"
#include "apic_registers.h"

static uint64_t now(const struct local_apic *apic)
{
    return x86_rdtsc() + apic->tsc_offset;
}

/* Bits 3, 1 and 0 of the divide configuration: 2, 4 ... 128, and 1 (figure 11-10). */
static uint32_t divisor_of(uint32_t divide)
{
    uint32_t code = (divide & 3) | (divide >> 1 & 4);

    return code == 7 ? 1 : 2u << code;
}

static uint32_t mode(const struct local_apic *apic)
{
    return apic->timer_entry & LVT_TIMER_MODE;
}

static bool counts(const struct local_apic *apic)
{
    return mode(apic) == LVT_TIMER_ONE_SHOT || mode(apic) == LVT_TIMER_PERIODIC;
}

/* Asks the host for the exit at which the timer is to be looked at, if it is not asked already. */
static void arm(struct local_apic *apic)
{
    uint64_t at = 0;

    if (apic->deadline && !(apic->timer_entry & LVT_MASKED)) {
        at = apic->deadline - apic->tsc_offset;
        if (mode(apic) == LVT_TIMER_PERIODIC && apic->period < TIMER_PERIOD_LEAST) {
            uint64_t soonest = x86_rdtsc() + TIMER_PERIOD_LEAST;
            at = at > soonest ? at : soonest;
        }
        at += !at; /* 0 would be none */
    }
    if (at == apic->armed)
        return;
    apic->armed = at;
    if (apic->host_timer)
        platform_timer(at);
}

/* RESET and INIT have cleared the registers. */
void apic_timer_reset(struct local_apic *apic)
{
    apic->deadline = apic->period = 0;
    apic->divide = divisor_of(apic_get(apic, APIC_DIVIDE));
    apic->timer_entry = apic_get(apic, APIC_LVT_TIMER);
    arm(apic);
}

void apic_timer_set_count(struct local_apic *apic, uint32_t count)
{
    if (!counts(apic)) /* ignored (11.5.4.1) */
        count = 0;
    apic_set(apic, APIC_INITIAL_COUNT, count);
    if (counts(apic)) {
        apic->period = (uint64_t)count * apic->divide;
        apic->deadline = count ? now(apic) + apic->period : 0;
        arm(apic);
    }
}

uint32_t apic_timer_count(const struct local_apic *apic)
{
    uint64_t left, at = now(apic);

    if (!counts(apic) || !apic->deadline)
        return 0;
    if (at < apic->deadline)
        left = apic->deadline - at;
    else if (mode(apic) == LVT_TIMER_ONE_SHOT)
        return 0;
    else
        left = apic->period - (at - apic->deadline) % apic->period;
    return (uint32_t)((left + apic->divide - 1) / apic->divide);
}

/* What is left of the count is counted at the new rate. */
void apic_timer_set_divide(struct local_apic *apic, uint32_t divide)
{
    local_apic_look_at_timer(apic);
    uint32_t left = apic_timer_count(apic);

    apic_set(apic, APIC_DIVIDE, divide);
    apic->divide = divisor_of(divide);
    if (!left)
        return;
    apic->period = (uint64_t)apic_get(apic, APIC_INITIAL_COUNT) * apic->divide;
    apic->deadline = now(apic) + (uint64_t)left * apic->divide;
    arm(apic);
}

/* To TSC-deadline mode and back the timer is disarmed; between the other two it goes on. */
void apic_timer_lvt_changed(struct local_apic *apic)
{
    bool counted = counts(apic);

    local_apic_look_at_timer(apic); /* what has expired before is the old entry's */
    apic->timer_entry = apic_get(apic, APIC_LVT_TIMER);
    if (counted != counts(apic)) {
        apic->deadline = 0;
        apic_set(apic, APIC_INITIAL_COUNT, 0);
    }
    arm(apic);
}

enum local_apic_result local_apic_read_deadline(const struct local_apic *apic, uint64_t *value)
{
    if (!apic->has_deadline)
        return LOCAL_APIC_FAULT;
    bool armed = mode(apic) == LVT_TIMER_DEADLINE && apic->deadline > now(apic);
    *value = armed ? apic->deadline : 0;
    return LOCAL_APIC_DONE;
}

enum local_apic_result local_apic_write_deadline(struct local_apic *apic, uint64_t value)
{
    if (!apic->has_deadline)
        return LOCAL_APIC_FAULT;
    if (mode(apic) != LVT_TIMER_DEADLINE) /* ignored */
        return LOCAL_APIC_DONE;
    apic->deadline = value;
    if (value && value <= now(apic)) {
        local_apic_look_at_timer(apic);
        return LOCAL_APIC_EVENTS;
    }
    arm(apic);
    return LOCAL_APIC_DONE;
}

void local_apic_look_at_timer(struct local_apic *apic)
{
    uint64_t at;

    if (!apic->deadline || (at = now(apic)) < apic->deadline)
        return;
    /* The period is not 0: in this mode a deadline comes from a count that was not. */
    if (mode(apic) == LVT_TIMER_PERIODIC)
        apic->deadline += ((at - apic->deadline) / apic->period + 1) * apic->period;
    else
        apic->deadline = 0;
    apic_local_interrupt(apic, apic->timer_entry);
    arm(apic);
}

void local_apic_timer_begin(struct local_apic *apic, bool can_exit)
{
    apic->host_timer = can_exit;
    local_apic_look_at_timer(apic);
    if (can_exit && apic->armed)
        platform_timer(apic->armed);
}

void local_apic_timer_end(struct local_apic *apic)
{
    if (apic->host_timer && apic->armed)
        platform_timer(0);
    apic->host_timer = false;
}
