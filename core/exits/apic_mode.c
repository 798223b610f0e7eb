/* SPDX-License-Identifier: MIT */
/* IA32_APIC_BASE, and the modes it switches between (SDM Vol. 3A 11.4.3, 11.4.4, 11.12.5). */
#include "apic_registers.h"

#define BASE_RESERVED (0xffull | 1ull << 9)
#define MODE          (APIC_BASE_ENABLE | APIC_BASE_X2APIC)
#define DISABLED      0ull
#define XAPIC         APIC_BASE_ENABLE
#define X2APIC        MODE

/* Figure 11-27: to x2APIC mode from xAPIC mode alone, and from there nowhere but to disabled. */
static bool may_switch(uint64_t from, uint64_t to)
{
    switch (to) {
    case DISABLED:
        return true;
    case XAPIC:
        return from != X2APIC;
    case X2APIC:
        return from != DISABLED;
    default:
        return false; /* x2APIC mode of an APIC that is disabled */
    }
}

enum local_apic_result local_apic_write_base(struct local_apic *apic, uint64_t value,
                                             unsigned physical_bits)
{
    uint64_t old = apic->base, reserved = BASE_RESERVED | ~0ull << physical_bits;

    if (!apic->has_x2apic)
        reserved |= APIC_BASE_X2APIC;
    if (value & reserved || !may_switch(old & MODE, value & MODE))
        return LOCAL_APIC_FAULT;
    __atomic_store_n(&apic->base, value, __ATOMIC_RELAXED);
    if ((value & MODE) == (old & MODE))
        return LOCAL_APIC_DONE;
    if ((value & MODE) != X2APIC) {
        apic_registers_reset(apic);
        return LOCAL_APIC_EVENTS;
    }
    /* The state is kept, but for what has another form there (11.12.5.2). */
    apic_set(apic, APIC_ID, apic->id);
    apic_set(apic, APIC_LDR, (apic->id >> 4) << 16 | 1u << (apic->id & 0xf));
    apic_set(apic, APIC_DFR, 0);
    apic_set(apic, APIC_ICR_HIGH, 0);
    apic->attention &= ~LOCAL_APIC_NOT_X2APIC;
    return LOCAL_APIC_EVENTS;
}
