/* SPDX-License-Identifier: MIT */
/* Errors, and the interrupts of the local vector table (SDM Vol. 3A 11.5.1, 11.5.3). */
#include "apic_registers.h"

void apic_local_interrupt(struct local_apic *apic, uint32_t entry)
{
    if (!(entry & LVT_MASKED))
        local_apic_request(apic, (uint8_t)entry);
}

/* One interrupt until a write of the ESR arms it again: none of its own errors causes another. */
void apic_error(struct local_apic *apic, uint32_t bits)
{
    bool first = !apic->errors;

    apic->errors |= bits;
    if (first)
        apic_local_interrupt(apic, apic_get(apic, APIC_LVT_ERROR));
}

void apic_error_latch(struct local_apic *apic)
{
    apic_set(apic, APIC_ESR, apic->errors);
    apic->errors = 0;
}
