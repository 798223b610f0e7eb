/* SPDX-License-Identifier: MIT */
/*
 * The guest's local APIC: its registers in x2APIC form (SDM Vol. 3A 11.12), interrupts requested,
 * in service and held back by priority. What it cannot deliver (to another CPU, or by its timer) is
 * reported as undelivered, never dropped.
 */
#ifndef EXITMETER_CORE_EXITS_LOCAL_APIC_H
#define EXITMETER_CORE_EXITS_LOCAL_APIC_H

#include <stdbool.h>
#include <stdint.h>

/* Registers by (MSR - 0x800), the xAPIC's offset divided by 16. */
#define LOCAL_APIC_REGISTERS 0x40u
#define LOCAL_APIC_ID        0x02u
#define LOCAL_APIC_TPR       0x08u

struct local_apic {
    uint32_t registers[LOCAL_APIC_REGISTERS];
    uint32_t requested; /* interrupts in the IRR: none in nearly every moment */
};

enum local_apic_result {
    LOCAL_APIC_DONE,
    LOCAL_APIC_EVENTS,      /* done, and what can be delivered may have changed: EXIT_EVENTS */
    LOCAL_APIC_FAULT,       /* the access is a #GP(0) */
    LOCAL_APIC_UNDELIVERED, /* it asks for what there is no way to deliver yet; nothing changed */
};

/* State after RESET, with this id. */
void local_apic_reset(struct local_apic *apic, uint32_t id);

/* x2APIC access by MSR 0x800-0x8ff. *value is set on LOCAL_APIC_DONE only. */
enum local_apic_result local_apic_read(const struct local_apic *apic, uint32_t msr,
                                       uint64_t *value);
enum local_apic_result local_apic_write(struct local_apic *apic, uint32_t msr, uint64_t value);

/* Puts a vector, 16 to 255, into the IRR. */
void local_apic_request(struct local_apic *apic, uint8_t vector);

/* The vector that the CPU would take next, its priority above the PPR; -1 if there is none. */
int local_apic_waiting(const struct local_apic *apic);

/* The CPU takes it: from IRR to ISR. */
void local_apic_accept(struct local_apic *apic, uint8_t vector);

static inline uint32_t local_apic_id(const struct local_apic *apic)
{
    return apic->registers[LOCAL_APIC_ID];
}

/*
 * Write of the TPR while nothing is requested, so that nothing can come of it. False, and no
 * effect, if the value is reserved or something is: then local_apic_write() says what happens.
 */
static inline bool local_apic_set_tpr(struct local_apic *apic, uint64_t value)
{
    if (__builtin_expect(value > 0xff || apic->requested, 0))
        return false;
    apic->registers[LOCAL_APIC_TPR] = (uint32_t)value;
    return true;
}

#endif
