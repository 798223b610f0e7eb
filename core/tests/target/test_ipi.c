/* SPDX-License-Identifier: MIT */
/* Two vCPUs on two CPUs: one starts the other, and sends it interrupts. */
#include "guest.h"
#include "target.h"

#include "../../exits/apic_bus.h"

#define ROUNDS     100u
#define VECTOR     0x51u
#define START_PAGE 4u /* GUEST_CODE is there */

_Static_assert(START_PAGE << 12 == GUEST_CODE, "the code is what a SIPI starts");

extern const char program_interrupted_handler[];

struct other {
    struct guest guest;
    bool real_mode; /* a SIPI starts it as the SDM says; else where it was put */
    bool created;
    uint64_t startup; /* the SIPI's vector */
    enum stop_cause cause;
};

static struct apic_bus bus;

static void give_tables(struct guest *guest)
{
    guest_give_tables(guest, VECTOR,
                      GUEST_CODE + (uint64_t)(program_interrupted_handler - program_interrupted));
}

/* On CPU 1, until the guest is done or the watch is over. */
static void run_other(void *argument)
{
    static const struct vcpu_start real = {.mode = VCPU_REAL, .cs = START_PAGE << 8};
    struct other *other = argument;
    struct vcpu *vcpu = other->guest.vcpu;

    for (uint64_t i = 0; i < TARGET_PATIENCE; i++) {
        const struct vcpu_stop *stop = vcpu_run(vcpu);
        other->cause = stop->cause;
        if (stop->cause == STOP_STARTUP_IPI) {
            other->startup = stop->value;
            if (other->real_mode && !vcpu_start(vcpu, &real))
                break;
            continue;
        }
        if (stop->cause != STOP_INIT) /* else it waits for the SIPI still */
            break;
    }
    vcpu_unbind(vcpu);
}

static bool create(struct guest *sender, struct other *other, struct guest_code code, void *shared)
{
    bus = (struct apic_bus){0};
    other->created = guest_create_apart(sender, GUEST_CODE_OF(sends), shared, ROUNDS, VECTOR) &&
                     guest_create_apart(&other->guest, code, shared, ROUNDS, 0);
    if (!other->created)
        return false;
    local_apic_reset(&sender->vcpu->apic, 0);
    local_apic_reset(&other->guest.vcpu->apic, 1);
    give_tables(&other->guest);
    return vcpu_unbind(other->guest.vcpu) && apic_bus_add(&bus, &sender->vcpu->apic) &&
           apic_bus_add(&bus, &other->guest.vcpu->apic);
}

/* INIT, SIPI, and ROUNDS interrupts, each of which the other has answered before the next. */
void test_ipis_between_vcpus(void)
{
    static struct other other;
    struct guest sender;
    void *shared = platform_pages_allocate(1, PAGE_SIZE);

    EXPECT(shared);
    EXPECT(create(&sender, &other, GUEST_CODE_OF(interrupted), shared));
    smp_call(1, run_other, &other);
    enum stop_cause cause = vcpu_run(sender.vcpu)->cause;
    smp_wait(1);
    EXPECT(cause == STOP_PHASE_DONE);
    EXPECT(other.cause == STOP_PHASE_DONE);
    EXPECT(other.startup == START_PAGE);
    EXPECT(guest_quadword(&sender, GUEST_DATA) == 0); /* its own page: the shared one is there */
    EXPECT(*(uint64_t *)shared == ROUNDS);
    EXPECT(guest_destroy(&other.guest) && guest_destroy(&sender));
    platform_pages_free(shared, 1);
}

/* The SIPI's page, in real mode. */
void test_sipi_starts_in_real_mode(void)
{
    static struct other other = {.real_mode = true};
    struct guest sender;
    void *shared = platform_pages_allocate(1, PAGE_SIZE);

    EXPECT(shared);
    EXPECT(create(&sender, &other, GUEST_CODE_OF(real), shared));
    smp_call(1, run_other, &other);
    enum stop_cause cause = vcpu_run(sender.vcpu)->cause;
    smp_wait(1);
    EXPECT(other.cause == STOP_PHASE_DONE);
    EXPECT(cause == STOP_PHASE_DONE);
    EXPECT(other.startup == START_PAGE);
    EXPECT(*(uint64_t *)shared == ROUNDS); /* the code wrote it, and the sender went on */
    EXPECT(guest_destroy(&other.guest) && guest_destroy(&sender));
    platform_pages_free(shared, 1);
}
