/* SPDX-License-Identifier: MIT */
/*
 * The guest's local APIC (SDM Vol. 3A chapter 11): registers in x2APIC and xAPIC form, interrupts
 * requested, in service and held back by priority, errors, its timer (apic_timer.h) and IPIs to
 * other vCPUs (apic_bus.h).
 *
 * Its registers are one page laid out as the SDM's, which is also the virtual-APIC page of the
 * VMCS: software and the CPU's own APIC virtualization work on the same state (apic_virtual.h).
 *
 * What it leaves out, as no device of the guest has it: SMIs, level-triggered interrupts and so
 * the broadcast of EOIs, thermal, performance, CMCI and LINT sources. A policy that passes any
 * access to the CPU's own APIC through gives the guest that one instead: one of the two only.
 */
#ifndef EXITMETER_CORE_EXITS_LOCAL_APIC_H
#define EXITMETER_CORE_EXITS_LOCAL_APIC_H

#include "../platform.h"
#include "../x86/msr.h"

#include <stdbool.h>
#include <stdint.h>

/* Registers by (MSR - 0x800), the xAPIC's offset divided by 16. */
#define LOCAL_APIC_REGISTERS 0x40u
#define LOCAL_APIC_TPR       0x08u

struct apic_bus;

/* Why a write of the TPR has to go the long way. */
#define LOCAL_APIC_REQUESTED  1u /* an interrupt is in the IRR, or was not long ago */
#define LOCAL_APIC_NOT_X2APIC 2u /* its registers are no MSRs in the mode it is in */
#define LOCAL_APIC_HARDWARE   4u /* the guest has the CPU's own APIC */

struct local_apic {
    uint32_t page[PAGE_SIZE / 4] __attribute__((aligned(PAGE_SIZE))); /* register n at 4 * n */
    uint32_t attention;                                               /* see above */
    uint32_t id;
    uint64_t base;      /* IA32_APIC_BASE */
    bool has_x2apic;    /* as CPUID says: bits of the mode and the timer are reserved without */
    bool has_deadline;  /* TSC-deadline mode likewise */
    uint32_t errors;    /* bits for the ESR since it was written last */
    uint32_t threshold; /* the VMCS's TPR threshold */

    /* Timer: apic_timer.h. */
    uint64_t tsc_offset; /* the guest's TSC less the host's */
    uint64_t deadline;   /* guest's TSC at which the timer expires next; 0: it is stopped */
    uint64_t armed;      /* host's TSC at which the host is asked to interrupt; 0: not at all */
    uint64_t period;     /* initial count times divisor, in ticks of the TSC */
    uint32_t divide;
    uint32_t timer_entry; /* its LVT entry, as the timer knows it */
    bool host_timer;      /* the host's timer may be asked at all */

    /* What other CPUs write: apic_bus.h. */
    struct apic_bus *bus;
    uint64_t posted[4];  /* interrupts by vector */
    uint32_t signals;    /* NMI, INIT, SIPI */
    uint32_t running_on; /* number of the CPU that runs this vCPU now, and 1; 0: none does */
};

enum local_apic_result {
    LOCAL_APIC_DONE,
    LOCAL_APIC_EVENTS, /* done, and what can be delivered may have changed: EXIT_EVENTS */
    LOCAL_APIC_FAULT,  /* the access is a #GP(0), and has no effect */
};

/*
 * State as firmware leaves it, with this id: enabled, in x2APIC mode if the CPU has one and in
 * xAPIC mode if not. Of the boot CPU: apic_bus_add() makes it another.
 */
void local_apic_reset(struct local_apic *apic, uint32_t id);

/* x2APIC access by MSR 0x800-0x8ff. *value is set on LOCAL_APIC_DONE only. */
enum local_apic_result local_apic_read(const struct local_apic *apic, uint32_t msr,
                                       uint64_t *value);
enum local_apic_result local_apic_write(struct local_apic *apic, uint32_t msr, uint64_t value);

/* CR8, which is bits 7:4 of the TPR in every mode. value is at most 15. */
enum local_apic_result local_apic_set_priority(struct local_apic *apic, uint8_t value);
uint8_t local_apic_priority(const struct local_apic *apic);

/* IA32_APIC_BASE: mode switches, and the faults of those that are none (SDM Vol. 3A 11.12.5). */
enum local_apic_result local_apic_write_base(struct local_apic *apic, uint64_t value,
                                             unsigned physical_bits);

/* What INIT does to it: registers reset, id, mode and base kept (11.4.7.3, 11.12.5.1). */
void local_apic_init(struct local_apic *apic);

/*
 * xAPIC access to the page at IA32_APIC_BASE: offset below 4096. Of a register, aligned and 4
 * bytes wide, as software must (11.4.1); what else it does is undefined, and here a read gets part
 * of a register or 0, and a write is dropped. Reads 0 unless the APIC is in xAPIC mode.
 */
uint64_t local_apic_mmio_read(struct local_apic *apic, uint32_t offset, unsigned bytes);
enum local_apic_result local_apic_mmio_write(struct local_apic *apic, uint32_t offset,
                                             unsigned bytes, uint64_t value);

/* The CPU has written the register at that offset of the page itself: what is left to do of it. */
enum local_apic_result local_apic_page_written(struct local_apic *apic, uint32_t offset);

/*
 * Puts a vector into the IRR. Dropped while the APIC is disabled; one below 16 is an error for the
 * ESR.
 */
void local_apic_request(struct local_apic *apic, uint8_t vector);

/* The vector that the CPU would take next, its priority above the PPR; -1 if there is none. */
int local_apic_waiting(const struct local_apic *apic);

/* The CPU takes it: from IRR to ISR. */
void local_apic_accept(struct local_apic *apic, uint8_t vector);

static inline uint32_t local_apic_id(const struct local_apic *apic)
{
    return apic->id;
}

/* Whether the guest has the CPU's own APIC, and none of this is in use. */
static inline bool local_apic_is_hardware(const struct local_apic *apic)
{
    return apic->attention & LOCAL_APIC_HARDWARE;
}

/*
 * x2APIC write of the TPR while nothing is requested, so that nothing can come of it. False, and no
 * effect, if the value is reserved or something needs attention: then local_apic_write() says what
 * happens.
 */
static inline bool local_apic_set_tpr(struct local_apic *apic, uint64_t value)
{
    if (__builtin_expect(value > 0xff || apic->attention, 0))
        return false;
    apic->page[4 * LOCAL_APIC_TPR] = (uint32_t)value;
    return true;
}

#endif
