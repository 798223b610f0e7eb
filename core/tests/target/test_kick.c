/* SPDX-License-Identifier: MIT */
/* One CPU gets another out of its guest. */
#include "guest.h"
#include "target.h"

#include "../../../probes/ring.h"
#include "../../boot/cpu.h"
#include "../../boot/interrupt.h"
#include "../../vmx/exit_reason.h"

#define WATCHED 1000u /* what an endless guest counts up while we look */

struct endless {
    struct guest guest;
    char *ring;
    struct vcpu_stop stop;
    uint32_t records;
};

static void run_endless(void *argument)
{
    struct endless *endless = argument;
    struct probe_cpu *probes = cpu_probes();
    const struct packet_origin origin = {platform_cpu_number(), 0, 0, PROBE_FULL};

    if (vcpu_bind(endless->guest.vcpu))
        return;
    vcpu_set_path(endless->guest.vcpu, VCPU_PATH_FULL);
    ring_open(probes, endless->ring, PAGE_SIZE, origin, x86_rdtsc());
    endless->stop = *vcpu_run(endless->guest.vcpu);
    endless->records = ring_close(probes, x86_rdtsc());
    vcpu_unbind(endless->guest.vcpu);
}

/* The guest counts on: it runs. */
static bool goes_on(const struct guest *guest)
{
    uint64_t from = guest_quadword(guest, GUEST_DATA);

    for (uint64_t i = 0; i < TARGET_PATIENCE; i++)
        if (guest_quadword(guest, GUEST_DATA) > from + WATCHED)
            return true;
    return false;
}

void test_kick_ends_an_endless_guest(void)
{
    static struct endless endless;

    endless.ring = platform_pages_allocate(1, PAGE_SIZE);
    EXPECT(endless.ring);
    EXPECT(guest_create(&endless.guest, GUEST_CODE_OF(endless), NULL, 0, 0));
    EXPECT(vcpu_unbind(endless.guest.vcpu));
    for (uint64_t i = 1; i <= 5; i++) {
        smp_call(1, run_endless, &endless);
        EXPECT(goes_on(&endless.guest));
        for (int kicks = 0; kicks < 3; kicks++) { /* an exit each, and the guest goes on */
            platform_kick(1);
            EXPECT(goes_on(&endless.guest));
        }
        vcpu_kick(endless.guest.vcpu);
        smp_wait(1);
        EXPECT(endless.stop.cause == STOP_KICKED);
        EXPECT(endless.stop.exit_reason == EXIT_REASON_EXTERNAL_INTERRUPT);
        EXPECT(endless.records == 4);
        const struct record *record = (const struct record *)(endless.ring + RECORD_SIZE);
        for (int r = 0; r < 4; r++) {
            EXPECT(record[r].reason == EXIT_REASON_EXTERNAL_INTERRUPT);
            EXPECT(record[r].detail == KICK_VECTOR);
            EXPECT(!(record[r].flags & RECORD_LEFT) == (r < 3));
        }
    }
    EXPECT(guest_destroy(&endless.guest));
    platform_pages_free(endless.ring, 1);
}

/* A kick of a CPU that runs nothing stops nobody later; one of a vCPU that does not run, its next
 * run. */
void test_kick_of_nobody_goes_unseen(void)
{
    struct guest guest;

    EXPECT(guest_create(&guest, GUEST_CODE_OF(count), NULL, 0, 0));
    platform_kick(1);
    platform_kick(PLATFORM_CPUS_MAX - 1);
    platform_kick(UINT32_MAX);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE);
    vcpu_kick(guest.vcpu);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_KICKED);
    EXPECT(vcpu_run(guest.vcpu)->cause == STOP_PHASE_DONE);
    EXPECT(guest.vcpu->rbx == 2);
    EXPECT(guest_destroy(&guest));
}
