/* SPDX-License-Identifier: MIT */
/*
 * A group of vCPUs whose local APICs reach each other (SDM Vol. 3A 11.6). Each may run on a CPU of
 * its own: what one sends another is posted in the target with an atomic write and merged there by
 * event_prepare(), and the target's CPU is interrupted (platform_kick()) if it runs the target at
 * that moment. Nothing is lost: the sender posts, then looks whether the target runs; the target
 * says that it runs, then looks at what is posted; both in sequential consistency.
 *
 * Members are added before any of them runs, and stay.
 */
#ifndef EXITMETER_CORE_EXITS_APIC_BUS_H
#define EXITMETER_CORE_EXITS_APIC_BUS_H

#include "local_apic.h"

#define APIC_BUS_MEMBERS 64u

struct apic_bus {
    struct local_apic *members[APIC_BUS_MEMBERS];
    uint32_t count;
};

/*
 * Adds a vCPU's APIC, as local_apic_reset() left it, its id no other member's. The first is that of
 * the boot CPU; all others wait for a SIPI from then on. False if the bus is full or has the id.
 */
bool apic_bus_add(struct apic_bus *bus, struct local_apic *apic);

/* To target: an interrupt by vector, an NMI, INIT or SIPI. From any CPU. */
void apic_post_interrupt(struct local_apic *target, uint8_t vector);
void apic_post_nmi(struct local_apic *target);
void apic_post_init(struct local_apic *target);
void apic_post_startup(struct local_apic *target, uint8_t vector);

/* The vCPU runs on the CPU of that number from now on; what was posted before must be collected. */
void apic_bus_begin(struct local_apic *apic, uint32_t cpu);
void apic_bus_end(struct local_apic *apic);

/* Whether anything is posted, or the vCPU waits for a SIPI. */
bool apic_bus_has_posted(const struct local_apic *apic);

/* What apic_bus_collect() found besides interrupts, which it has requested. */
struct apic_signals {
    bool nmi;
    bool init;      /* the APIC has been reset: the vCPU waits for a SIPI ... */
    bool waits;     /* ... and does so still */
    bool startup;   /* the SIPI it waited for, with ... */
    uint8_t vector; /* ... the page it is to start at */
};

struct apic_signals apic_bus_collect(struct local_apic *apic);

/* Whether another vCPU may send it something. */
static inline bool apic_bus_has_others(const struct local_apic *apic)
{
    return apic->bus && apic->bus->count > 1;
}

#endif
