/* SPDX-License-Identifier: MIT */
/*
 * The exit paths that write wide records, on a CPU: every field is written, in order, and the guest
 * notices nothing. What the counters say is another matter: Bochs has none, and RDPMC reads 0.
 */
#include "guest.h"
#include "target.h"

#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../vmx/exit_reason.h"
#include "../../x86/instructions.h"

#include <string.h>

#define ROUNDS     100u
#define RING_PAGES ((ROUNDS + 8) * sizeof(struct wide_record) / PAGE_SIZE + 1)
#define UNWRITTEN  0xeeeeeeeeu

/* Runs CPUID ROUNDS times on that path, into the ring. How many records that left. */
static uint32_t play(struct guest *guest, enum vcpu_path path, char *ring)
{
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, path};
    struct probe_cpu *probes = cpu_probes();

    memset(ring, 0xee, RING_PAGES * PAGE_SIZE);
    *(uint64_t *)(guest->memory + GUEST_DATA + 8) = UINT64_MAX; /* nobody to wait for */
    for (uint32_t i = 0; i < PROBE_EVENTS; i++)
        probes->host_events[i] = probes->guest_events[i] = i % 2; /* every PMU has these */
    vcpu_set_path(guest->vcpu, path);
    if (!vcpu_set_hardware_stamp(guest->vcpu, true))
        return 0;
    ring_open(probes, ring, RING_PAGES * PAGE_SIZE, origin, x86_rdtsc());
    bool done = vcpu_run(guest->vcpu)->cause == STOP_PHASE_DONE;
    uint32_t records = ring_close(probes, x86_rdtsc());
    return done && guest_quadword(guest, GUEST_DATA) == ROUNDS ? records : 0;
}

static bool follows(const struct wide_record *wide, uint64_t before)
{
    const struct record *record = &wide->record;
    uint64_t exited = record->entered - (uint32_t)((uint32_t)record->entered - wide->exited);

    return exited > before && record->entered >= exited && record->dispatched > record->entered &&
           record->handled > record->dispatched && record->entering > record->handled;
}

/* Whether the counters from this field of the record on, all of a point, have been written. */
static bool written(const struct wide_record *wide, size_t field)
{
    for (unsigned place = 0; place < PROBE_EVENTS; place++) {
        uint32_t value;
        memcpy(&value, (const char *)wide + field + 4 * place, sizeof(value));
        if (value == UNWRITTEN)
            return false;
    }
    return true;
}

void test_wide_records(void)
{
    static const enum vcpu_path paths[] = {VCPU_PATH_HARDWARE, VCPU_PATH_PMU};
    static const size_t points[] = {
        offsetof(struct wide_record, guest_0), offsetof(struct wide_record, entered_0),
        offsetof(struct wide_record, dispatched_0), offsetof(struct wide_record, handled_0),
        offsetof(struct wide_record, entering_0)};
    char *ring = platform_pages_allocate(RING_PAGES, PAGE_SIZE);

    EXPECT(ring);
    for (unsigned i = 0; i < 2; i++) {
        const struct packet_header *packet = (const void *)ring;
        const struct wide_record *wide = (const void *)(packet + 1);
        bool counters = paths[i] == VCPU_PATH_PMU;
        uint32_t flags =
            RECORD_HAS_COUNTS | RECORD_HAS_EXITED | (counters ? RECORD_HAS_COUNTERS : 0);
        struct guest guest;
        EXPECT(guest_create(&guest, GUEST_CODE_OF(pingpong), NULL, ROUNDS, 0));
        EXPECT(play(&guest, paths[i], ring) == ROUNDS + 1);
        EXPECT(packet->stream_id == 1);
        EXPECT(packet->content_size == 8 * (64 + (ROUNDS + 1) * sizeof(*wide)));
        uint64_t before = packet->timestamp_begin;
        for (uint32_t n = 0; n < ROUNDS; n++) {
            EXPECT(wide[n].record.reason == EXIT_REASON_CPUID && wide[n].record.flags == flags);
            EXPECT(wide[n].record.vmreads == 4 && wide[n].record.vmwrites == 1);
            EXPECT(follows(&wide[n], before));
            before = wide[n].record.entering;
            for (unsigned point = 0; point < 5; point++)
                EXPECT(written(&wide[n], points[point]) == counters);
        }
        EXPECT(wide[ROUNDS].record.reason == EXIT_REASON_VMCALL);
        EXPECT(wide[ROUNDS].record.flags == (flags | RECORD_LEFT));
        EXPECT(wide[ROUNDS].record.entering == 0);
        EXPECT(written(&wide[ROUNDS], points[3]) == counters);
        EXPECT(guest_destroy(&guest));
    }
    platform_pages_free(ring, RING_PAGES);
}
