/* SPDX-License-Identifier: MIT */
/* Which interrupt the guest takes, and when: IRR, ISR, TPR and PPR (SDM Vol. 3A 11.8). */
#include "apic_registers.h"

#define CLASS 0xf0u

int apic_highest(const struct local_apic *apic, uint32_t first)
{
    for (int i = 7; i >= 0; i--) {
        uint32_t bits = apic_get(apic, first + (uint32_t)i);
        if (bits)
            return 32 * i + 31 - __builtin_clz(bits);
    }
    return -1;
}

uint32_t apic_processor_priority(const struct local_apic *apic)
{
    uint32_t tpr = apic_get(apic, APIC_TPR);
    int vector = apic_highest(apic, APIC_ISR);
    uint32_t in_service = vector < 0 ? 0 : (uint32_t)vector & CLASS;

    return (tpr & CLASS) >= in_service ? tpr : in_service;
}

static void change(struct local_apic *apic, uint32_t first, uint8_t vector, bool set)
{
    uint32_t number = first + vector / 32u, bit = 1u << vector % 32;
    uint32_t bits = apic_get(apic, number);

    apic_set(apic, number, set ? bits | bit : bits & ~bit);
}

void local_apic_request(struct local_apic *apic, uint8_t vector)
{
    if (vector < LOWEST_VECTOR) {
        apic_error(apic, ESR_RECEIVE_ILLEGAL_VECTOR);
        return;
    }
    if (!apic_enabled(apic) || !apic_software_enabled(apic))
        return;
    change(apic, APIC_IRR, vector, true);
    change(apic, APIC_TMR, vector, false); /* edge-triggered */
    apic->attention |= LOCAL_APIC_REQUESTED;
}

/* One requested before the APIC was disabled by software is still delivered (11.4.7.2). */
int local_apic_waiting(const struct local_apic *apic)
{
    if (!apic_enabled(apic))
        return -1;
    int vector = apic_highest(apic, APIC_IRR);
    if (vector < 0)
        return -1;
    return ((uint32_t)vector & CLASS) > (apic_processor_priority(apic) & CLASS) ? vector : -1;
}

void local_apic_accept(struct local_apic *apic, uint8_t vector)
{
    change(apic, APIC_IRR, vector, false);
    change(apic, APIC_ISR, vector, true);
    if (apic_highest(apic, APIC_IRR) < 0)
        apic->attention &= ~LOCAL_APIC_REQUESTED;
}

enum local_apic_result apic_end_of_interrupt(struct local_apic *apic)
{
    int vector = apic_highest(apic, APIC_ISR);

    if (vector < 0)
        return LOCAL_APIC_DONE;
    change(apic, APIC_ISR, (uint8_t)vector, false);
    return LOCAL_APIC_EVENTS;
}

enum local_apic_result local_apic_set_priority(struct local_apic *apic, uint8_t value)
{
    apic_set(apic, APIC_TPR, (uint32_t)value << 4);
    return apic->attention & LOCAL_APIC_REQUESTED ? LOCAL_APIC_EVENTS : LOCAL_APIC_DONE;
}

uint8_t local_apic_priority(const struct local_apic *apic)
{
    return (uint8_t)(apic_get(apic, APIC_TPR) >> 4);
}
