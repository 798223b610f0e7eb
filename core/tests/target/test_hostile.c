/* SPDX-License-Identifier: MIT */
/*
 * Two hostile guests on two CPUs beside one that measures: what is virtualized does not get
 * through, and what a policy lets through is seen, as VM exits or in what may have disturbed the
 * run.
 */
#include "guest.h"
#include "target.h"

#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../exits/apic_bus.h"
#include "../../vmx/disturbance.h"
#include "../../vmx/exit_reason.h"
#include "../../x86/instructions.h"

#include <string.h>

#define NEIGHBOURS  2u
#define ROUNDS      400u
#define RING_PAGES  8u
#define NMIS        (GUEST_DATA + 8)
#define TIMES       (GUEST_DATA + 64)
#define GUARD_PAGES 16u
#define GUARD       0xa5
#define BUSY        20u /* rounds that a neighbour has done before the measuring begins */

extern const char program_measures_nmi[], image_start[], image_data[];

struct neighbour {
    struct guest guest;
    struct vcpu_stop stop;
};

/* What the measuring guest leaves. */
struct measured {
    enum stop_cause cause;
    uint32_t records, cpuids, nmi_exits, others;
    uint64_t nmis; /* that the guest has taken, or that wait for it */
    uint32_t lowest, highest;
    struct disturbance disturbance;
    uint64_t memory; /* a sum of all but times and the count of NMIs */
};

static struct neighbour neighbours[NEIGHBOURS];
static char *ring;

static uint64_t sum_of(const void *from, const void *to, uint64_t sum)
{
    for (const uint64_t *word = from; word + 1 <= (const uint64_t *)to; word++)
        sum = (sum ^ *word) * 0x100000001b3ull;
    return sum;
}

static void run_neighbour(void *argument)
{
    struct neighbour *neighbour = argument;

    neighbour->stop = *vcpu_run(neighbour->guest.vcpu);
    vcpu_unbind(neighbour->guest.vcpu);
}

static bool is_busy(const struct neighbour *neighbour)
{
    for (uint64_t i = 0; i < TARGET_PATIENCE; i++)
        if (guest_quadword(&neighbour->guest, GUEST_DATA) >= BUSY)
            return true;
    return false;
}

static void count_records(struct measured *measured)
{
    const struct record *record = (const struct record *)((struct packet_header *)ring + 1);

    for (uint32_t i = 0; i < measured->records; i++, record++)
        if (record->reason == EXIT_REASON_CPUID)
            measured->cpuids++;
        else if (record->reason == EXIT_REASON_EXCEPTION_OR_NMI)
            measured->nmi_exits++;
        else if (!(record->flags & RECORD_LEFT))
            measured->others++;
}

static void look_at(const struct guest *guest, struct measured *measured)
{
    const uint32_t *times = (const uint32_t *)(guest->memory + TIMES);

    measured->lowest = UINT32_MAX;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        measured->lowest = times[i] < measured->lowest ? times[i] : measured->lowest;
        measured->highest = times[i] > measured->highest ? times[i] : measured->highest;
    }
    measured->nmis = guest_quadword(guest, NMIS) + guest->vcpu->events.nmi + exception_nmi_taken();
    /* Its code, tables and descriptor tables; its stack is an NMI's to write. */
    measured->memory = sum_of(guest->memory, guest->memory + GUEST_DATA, 0);
}

/* One run of the measuring guest on this CPU. */
static bool measure(struct measured *measured)
{
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, PROBE_FULL};
    struct disturbance_facts before, after;
    struct guest guest;

    *measured = (struct measured){0};
    if (!guest_create(&guest, GUEST_CODE_OF(measures), NULL, ROUNDS, 0))
        return false;
    guest_give_tables(&guest, 2, GUEST_CODE + (uint64_t)(program_measures_nmi - program_measures));
    vcpu_set_path(guest.vcpu, VCPU_PATH_FULL);
    disturbance_read(&before);
    ring_open(cpu_probes(), ring, RING_PAGES * PAGE_SIZE, origin, x86_rdtsc());
    measured->cause = vcpu_run(guest.vcpu)->cause;
    bool whole = !cpu_probes()->discarded;
    measured->records = ring_close(cpu_probes(), x86_rdtsc());
    disturbance_read(&after);
    disturbance_judge(&before, &after, &measured->disturbance);
    count_records(measured);
    look_at(&guest, measured);
    return guest_destroy(&guest) && whole;
}

/* The same with both neighbours at work; they are stopped, and must have been until then. */
static bool measure_beside(struct measured *measured)
{
    bool done = true;

    for (unsigned i = 0; i < NEIGHBOURS; i++)
        smp_call(i + 1, run_neighbour, &neighbours[i]);
    for (unsigned i = 0; i < NEIGHBOURS; i++)
        done = done && is_busy(&neighbours[i]);
    done = done && measure(measured);
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        vcpu_kick(neighbours[i].guest.vcpu);
        smp_wait(i + 1);
        done = done && neighbours[i].stop.cause == STOP_KICKED;
    }
    return done;
}

static bool create(struct guest_code code, bool apart)
{
    for (unsigned i = 0; i < NEIGHBOURS; i++) {
        struct guest *guest = &neighbours[i].guest;
        if (!(apart ? guest_create_apart(guest, code, NULL, 0, 0)
                    : guest_create(guest, code, NULL, 0, 0)))
            return false;
        local_apic_reset(&guest->vcpu->apic, i + 1);
        if (!vcpu_unbind(guest->vcpu))
            return false;
    }
    ring = platform_pages_allocate(RING_PAGES, PAGE_SIZE);
    return ring;
}

static bool destroy(void)
{
    platform_pages_free(ring, RING_PAGES);
    return guest_destroy(&neighbours[0].guest) && guest_destroy(&neighbours[1].guest);
}

static bool is_guard(const char *pages)
{
    for (size_t i = 0; i < GUARD_PAGES * PAGE_SIZE; i++)
        if (pages[i] != (char)GUARD)
            return false;
    return true;
}

void test_hostile_guests_disturb_nobody(void)
{
    struct measured alone, beside;
    uint64_t core = sum_of(image_start, image_data, 0);
    uint64_t tables = sum_of(&cpu_this()->tables, &cpu_this()->tables + 1, 0);
    char *guard = platform_pages_allocate(GUARD_PAGES, PAGE_SIZE);

    EXPECT(guard);
    memset(guard, GUARD, GUARD_PAGES * PAGE_SIZE);
    EXPECT(create(GUEST_CODE_OF(storms), true));
    EXPECT(measure(&alone));
    EXPECT(measure_beside(&beside));
    EXPECT(alone.cause == STOP_PHASE_DONE && beside.cause == STOP_PHASE_DONE);
    EXPECT(alone.cpuids == ROUNDS && beside.cpuids == ROUNDS);
    EXPECT(!beside.nmi_exits && !beside.others && !beside.nmis && !beside.disturbance.nmis);
    EXPECT(beside.memory == alone.memory && is_guard(guard));
    EXPECT(sum_of(image_start, image_data, 0) == core);
    EXPECT(sum_of(&cpu_this()->tables, &cpu_this()->tables + 1, 0) == tables);
    platform_log("alone %u..%u ticks, beside hostile guests %u..%u\n", alone.lowest, alone.highest,
                 beside.lowest, beside.highest);
    EXPECT(destroy());
    platform_pages_free(guard, GUARD_PAGES);
}

/* The ICR is the hardware's: every NMI that comes is an exit, or a mark, and the guest has it. */
void test_nmis_that_pass_are_seen(void)
{
    struct measured alone, beside;

    EXPECT(create(GUEST_CODE_OF(sends_nmis), false));
    EXPECT(measure(&alone));
    EXPECT(!alone.disturbance.nmis && !alone.nmi_exits && !alone.nmis);
    EXPECT(measure_beside(&beside));
    EXPECT(beside.cause == STOP_PHASE_DONE && beside.cpuids == ROUNDS && !beside.others);
    platform_log("NMIs: %u exits, %u in the host; %u..%u ticks, alone %u..%u\n", beside.nmi_exits,
                 beside.disturbance.nmis, beside.lowest, beside.highest, alone.lowest,
                 alone.highest);
    EXPECT(beside.disturbance.nmis && beside.nmi_exits);
    EXPECT(beside.nmis);
    EXPECT(beside.memory == alone.memory);
    EXPECT(destroy());
}
