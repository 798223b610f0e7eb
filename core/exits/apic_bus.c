/* SPDX-License-Identifier: MIT */
#include "apic_bus.h"

#include "apic_registers.h"

/* signals; [7:0] the vector of a SIPI. One word, for the order of INIT and SIPI matters. */
#define SIGNAL_VECTOR  0xffu
#define SIGNAL_STARTUP (1u << 8)
#define SIGNAL_INIT    (1u << 9)
#define SIGNAL_NMI     (1u << 10)
#define SIGNAL_WAITS   (1u << 11) /* the vCPU waits for a SIPI */

bool apic_bus_add(struct apic_bus *bus, struct local_apic *apic)
{
    if (bus->count == APIC_BUS_MEMBERS)
        return false;
    for (uint32_t i = 0; i < bus->count; i++)
        if (bus->members[i]->id == apic->id)
            return false;
    if (bus->count) {
        apic->base &= ~APIC_BASE_BOOT_CPU;
        apic->signals = SIGNAL_WAITS;
    }
    apic->bus = bus;
    bus->members[bus->count++] = apic;
    return true;
}

/* Behind every post. The order of the two accesses is half of what keeps one from getting lost. */
static void wake(struct local_apic *target)
{
    uint32_t cpu = __atomic_load_n(&target->running_on, __ATOMIC_SEQ_CST);

    /* From the CPU itself that runs it: its own exit, whose handler sees to it. */
    if (cpu && cpu - 1 != platform_cpu_number())
        platform_kick(cpu - 1);
}

void apic_post_interrupt(struct local_apic *target, uint8_t vector)
{
    __atomic_fetch_or(&target->posted[vector / 64], 1ull << vector % 64, __ATOMIC_SEQ_CST);
    wake(target);
}

static void signal(struct local_apic *target, uint32_t (*with)(uint32_t old, uint8_t vector),
                   uint8_t vector)
{
    uint32_t old = __atomic_load_n(&target->signals, __ATOMIC_RELAXED), new;

    do
        new = with(old, vector);
    while (!__atomic_compare_exchange_n(&target->signals, &old, new, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    wake(target);
}

static uint32_t with_nmi(uint32_t old, uint8_t vector)
{
    (void)vector;
    return old | SIGNAL_NMI;
}

/* One that waits for a SIPI has been reset already; a SIPI from before the INIT is of no use. */
static uint32_t with_init(uint32_t old, uint8_t vector)
{
    (void)vector;
    if (old & SIGNAL_WAITS)
        return old;
    return (old & ~(SIGNAL_STARTUP | SIGNAL_VECTOR)) | SIGNAL_INIT;
}

/* Ignored but by one that waits for it, and so is the second of two (SDM Vol. 3A 9.4.4). */
static uint32_t with_startup(uint32_t old, uint8_t vector)
{
    if (!(old & (SIGNAL_WAITS | SIGNAL_INIT)) || old & SIGNAL_STARTUP)
        return old;
    return old | SIGNAL_STARTUP | vector;
}

void apic_post_nmi(struct local_apic *target)
{
    signal(target, with_nmi, 0);
}

void apic_post_init(struct local_apic *target)
{
    signal(target, with_init, 0);
}

void apic_post_startup(struct local_apic *target, uint8_t vector)
{
    signal(target, with_startup, vector);
}

void apic_bus_begin(struct local_apic *apic, uint32_t cpu)
{
    __atomic_store_n(&apic->running_on, cpu + 1, __ATOMIC_SEQ_CST);
}

void apic_bus_end(struct local_apic *apic)
{
    __atomic_store_n(&apic->running_on, 0, __ATOMIC_SEQ_CST);
}

bool apic_bus_has_posted(const struct local_apic *apic)
{
    uint64_t any = __atomic_load_n(&apic->signals, __ATOMIC_SEQ_CST);

    for (unsigned i = 0; i < 4; i++)
        any |= __atomic_load_n(&apic->posted[i], __ATOMIC_SEQ_CST);
    return any;
}

static void collect_interrupts(struct local_apic *apic)
{
    for (uint32_t i = 0; i < 4; i++) {
        /* Of the four nearly all are empty in nearly every moment: not worth a locked access. */
        if (!__atomic_load_n(&apic->posted[i], __ATOMIC_SEQ_CST))
            continue;
        uint64_t bits = __atomic_exchange_n(&apic->posted[i], 0, __ATOMIC_SEQ_CST);
        for (; bits; bits &= bits - 1)
            local_apic_request(apic, (uint8_t)(64 * i + (uint32_t)__builtin_ctzll(bits)));
    }
}

/* What remains of the signals once those that can be are taken. */
static uint32_t without_taken(uint32_t old)
{
    if (old & SIGNAL_INIT)
        old = (old & ~SIGNAL_INIT) | SIGNAL_WAITS;
    if (!(old & SIGNAL_WAITS))
        return 0;
    if (old & SIGNAL_STARTUP)
        return 0;
    return old; /* it takes no NMI while it waits */
}

struct apic_signals apic_bus_collect(struct local_apic *apic)
{
    uint32_t old = __atomic_load_n(&apic->signals, __ATOMIC_SEQ_CST);

    while (old && !__atomic_compare_exchange_n(&apic->signals, &old, without_taken(old), true,
                                               __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        ;
    bool waits = old & (SIGNAL_WAITS | SIGNAL_INIT), startup = waits && old & SIGNAL_STARTUP;
    struct apic_signals signals = {
        .nmi = old & SIGNAL_NMI && (!waits || startup),
        .init = old & SIGNAL_INIT,
        .waits = waits && !startup,
        .startup = startup,
        .vector = (uint8_t)old,
    };
    if (signals.init)
        local_apic_init(apic);
    collect_interrupts(apic);
    return signals;
}
