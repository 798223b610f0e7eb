/* SPDX-License-Identifier: MIT */
#include "profile_fold.h"

#include "../../core/exits/io_string.h"
#include "../../core/platform.h"
#include "../../core/vmx/exit_reason.h"
#include "../../core/x86/instructions.h"
#include "../../probes/ring.h"

#include <string.h>

#define HASH_MULTIPLIER 0x9e3779b97f4a7c15ull /* 2^64 by the golden ratio */
#define PROBES_MOST     64u                   /* places looked at before a table counts as full */

_Static_assert(!(PROFILE_DETAILS & (PROFILE_DETAILS - 1)), "a power of two");
_Static_assert(!(PROFILE_ADDRESSES & (PROFILE_ADDRESSES - 1)), "a power of two");

static struct profile *profile;
static struct probe_cpu *probes;
static struct record *first; /* of the ring */
static uint64_t entered;     /* TSC of the last VM entry */
static uint64_t last;        /* the latest time stamp that has been folded */
static uint64_t paused;      /* folding time that lies inside of the first record of the ring */

/* What has exited since the last exit that was no reading: a loop that waits comes by again. */
#define WAIT_PLACES 8u
static struct wait_place {
    uint64_t detail, rip;
    uint64_t ticks, elapsed; /* of its first exit, which counts once there is a second */
    uint16_t reason;
    bool came_again;
} waits[WAIT_PLACES];
static unsigned wait_count, wait_oldest;

static unsigned place_of(uint16_t reason)
{
    return reason < PROBE_REASONS - 1 ? reason : PROBE_REASONS - 1;
}

static uint32_t hash(uint64_t key, uint32_t reason)
{
    return (uint32_t)(((key ^ (uint64_t)reason << 56) * HASH_MULTIPLIER) >> 32);
}

/* Two records hardly ever differ in more than the page they touched. */
static uint64_t detail_of(const struct record *record)
{
    if (record->reason == EXIT_REASON_EPT_VIOLATION && record->detail != PROFILE_NOT_SAID)
        return record->detail & ~(PAGE_SIZE - 1);
    return record->detail;
}

/* NULL: there is no room. */
static struct profile_detail *find_detail(uint64_t detail, uint32_t reason)
{
    uint32_t at = hash(detail, reason);

    for (unsigned i = 0; i < PROBES_MOST; i++, at++) {
        struct profile_detail *place = &profile->details[at & (PROFILE_DETAILS - 1)];
        if (place->detail == detail && place->reason == reason && place->used)
            return place;
        if (!place->used) {
            *place = (struct profile_detail){.detail = detail, .reason = reason, .used = 1};
            return place;
        }
    }
    return NULL;
}

static void count_address(uint64_t rip, uint32_t reason, uint64_t ticks)
{
    uint32_t at = hash(rip, reason);

    for (unsigned i = 0; i < PROBES_MOST; i++, at++) {
        struct profile_address *place = &profile->addresses[at & (PROFILE_ADDRESSES - 1)];
        if (!place->used)
            *place = (struct profile_address){.rip = rip, .reason = reason, .used = 1};
        if (place->rip == rip && place->reason == reason) {
            place->count++;
            place->ticks += ticks;
            return;
        }
    }
    profile->addresses_lost++;
}

static void add(struct profile_cost *cost, const struct record *record, uint64_t ticks)
{
    cost->count++;
    cost->ticks += ticks;
    cost->dispatch += record->dispatched - record->entered;
    cost->handler += record->handled - record->dispatched;
    cost->vmreads += record->vmreads;
    cost->vmwrites += record->vmwrites;
    cost->msr_accesses += record->msr_accesses;
}

/* Twice as wide, so that half of them hold what all did. */
static void widen(void)
{
    for (unsigned i = 0; i < PROFILE_SLICES / 2; i++) {
        struct profile_slice *to = &profile->slices[i], *from = &profile->slices[2 * i];
        for (unsigned reason = 0; reason < PROBE_REASONS; reason++) {
            uint64_t ticks = from[0].ticks[reason] + from[1].ticks[reason];
            uint32_t count = from[0].count[reason] + from[1].count[reason];
            to->ticks[reason] = ticks;
            to->count[reason] = count;
        }
    }
    memset(&profile->slices[PROFILE_SLICES / 2], 0, sizeof(profile->slices) / 2);
    profile->slice_width *= 2;
}

static struct profile_slice *slice_at(uint64_t tsc)
{
    uint64_t since = tsc - profile->tsc_start;

    while (since >= profile->slice_width * PROFILE_SLICES)
        widen();
    return &profile->slices[since / profile->slice_width];
}

static bool is_in_order(const struct record *record)
{
    return record->entered >= last && record->dispatched >= record->entered &&
           record->handled >= record->dispatched &&
           (record->flags & RECORD_LEFT || record->entering >= record->handled);
}

static bool only_reads(const struct record *record)
{
    switch (record->reason) {
    case EXIT_REASON_IO:
        return record->detail != PROFILE_NOT_SAID && record->detail & IO_IN &&
               !(record->detail & IO_STRING);
    case EXIT_REASON_RDMSR:
    case EXIT_REASON_PAUSE:
    case EXIT_REASON_MONITOR:
    case EXIT_REASON_MWAIT:
        return true;
    default:
        return false;
    }
}

static void add_wait(struct profile_wait *wait, uint64_t ticks, uint64_t elapsed)
{
    wait->count++;
    wait->ticks += ticks;
    wait->elapsed += elapsed;
}

/* into: of the record's detail. */
static void count_wait(struct profile_wait *into, const struct record *record, uint64_t ticks,
                       uint64_t elapsed)
{
    if (!only_reads(record)) {
        wait_count = wait_oldest = 0;
        return;
    }
    for (unsigned i = 0; i < wait_count; i++) {
        struct wait_place *place = &waits[i];
        if (place->rip != record->rip || place->detail != record->detail ||
            place->reason != record->reason)
            continue;
        if (!place->came_again)
            add_wait(into, place->ticks, place->elapsed);
        place->came_again = true;
        add_wait(into, ticks, elapsed);
        return;
    }
    struct wait_place *place = &waits[wait_count < WAIT_PLACES ? wait_count++ : wait_oldest++];
    wait_oldest %= WAIT_PLACES;
    *place =
        (struct wait_place){record->detail, record->rip, ticks, elapsed, record->reason, false};
}

/* pause: ticks between its stamps "handled" and "entering" that were not spent on it. */
static void fold_record(const struct record *record, uint64_t pause)
{
    const bool left = record->flags & RECORD_LEFT;
    const uint64_t end = left ? record->handled : record->entering;
    const unsigned reason = place_of(record->reason);

    if (!is_in_order(record)) {
        profile->out_of_order++;
        return;
    }
    uint64_t ticks = end - record->entered - (left ? 0 : pause);
    uint64_t elapsed = record->entered - entered + ticks;
    struct profile_detail *detail = find_detail(detail_of(record), reason);
    profile->guest += record->entered - entered;
    profile->host += ticks;
    entered = last = end;
    add(&profile->reasons[reason], record, ticks);
    add(detail ? &detail->cost : &profile->details_lost, record, ticks);
    struct profile_wait nobodys = {0};
    count_wait(detail ? &detail->wait : &nobodys, record, ticks, elapsed);
    count_address(record->rip, reason, ticks);
    struct profile_slice *slice = slice_at(record->entered);
    slice->ticks[reason] += ticks;
    slice->count[reason]++;
}

/* The records up to end are complete; their places are fresh afterwards. */
static void fold(struct record *end)
{
    for (struct record *record = first; record < end; record++) {
        fold_record(record, paused);
        paused = 0;
        record->detail = record->rip = PROFILE_NOT_SAID;
    }
}

/* On the exit path: probes/probe_cpu.h, full. */
static struct record *make_room(struct record *spare)
{
    uint64_t start = x86_rdtsc();

    fold(spare);
    *first = *spare;
    spare->detail = spare->rip = PROFILE_NOT_SAID;
    probes->next = first + 1;
    paused = x86_rdtsc() - start;
    profile->folding += paused;
    return first;
}

void profile_begin(struct profile *into, struct probe_cpu *of, void *ring)
{
    profile = into;
    probes = of;
    profile->slice_width = PROFILE_SLICE_START;
    ring_open(probes, ring, (1 + (uint64_t)PROFILE_RING_RECORDS) * RECORD_SIZE,
              (struct packet_origin){.probe_level = PROBE_FULL}, x86_rdtsc());
    first = probes->next;
    for (struct record *record = first; record <= probes->end; record++)
        record->detail = record->rip = PROFILE_NOT_SAID;
    probes->full = make_room;
    paused = last = 0;
    wait_count = wait_oldest = 0;
    profile->tsc_start = x86_rdtsc();
}

void profile_enter(void)
{
    entered = last = x86_rdtsc();
}

/* So that entered, which is of the next run, does not stand before records of this one. */
void profile_leave(bool poll)
{
    uint64_t start = x86_rdtsc();
    struct record *latest = probes->next - 1;

    profile->tsc_end = start;
    if (poll && latest >= first && latest->reason == EXIT_REASON_PREEMPTION_TIMER) {
        fold(latest);
        profile->guest += latest->entered - entered;
        latest->detail = latest->rip = PROFILE_NOT_SAID;
        profile->polls++;
    } else {
        fold(probes->next);
    }
    paused = 0;
    probes->next = first;
    profile->folding += x86_rdtsc() - start;
}

void profile_end(void)
{
    profile->lost = probes->discarded;
    probes->full = NULL;
    ring_close(probes, x86_rdtsc());
}
