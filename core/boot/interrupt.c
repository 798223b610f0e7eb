/* SPDX-License-Identifier: MIT */
/* Whose the local APIC is, and the interrupts of the host's own. */
#include "../platform.h"
#include "apic.h"
#include "cpu.h"
#include "timer.h"

#define VECTORS 256u

/* By CPU. */
static enum owner {
    NOBODYS,
    HOSTS,
    GUESTS,
    CHANGING, /* its interrupts are dropped */
} owners[PLATFORM_CPUS_MAX];

static bool kicks_expected;

void cpu_expect_kicks(void)
{
    __atomic_store_n(&kicks_expected, true, __ATOMIC_RELEASE);
}

static bool is_ours(uint8_t vector)
{
    if (owners[platform_cpu_number()] == CHANGING)
        return true;
    if (vector == CPU_KICK_VECTOR)
        return __atomic_load_n(&kicks_expected, __ATOMIC_ACQUIRE);
    return vector == TIMER_VECTOR && owners[platform_cpu_number()] == HOSTS;
}

bool platform_interrupt(uint8_t vector)
{
    if (!is_ours(vector))
        return false;
    platform_end_of_interrupt();
    if (vector == TIMER_VECTOR)
        timer_interrupt();
    return true;
}

/* Whether any bit of the eight registers from there on is set. */
static bool any_of(enum apic_register first)
{
    uint32_t any = 0;

    for (int i = 0; i < 8; i++)
        any |= apic_read((enum apic_register)(first + i));
    return any;
}

void platform_apic_is_guests(bool guests, bool anew)
{
    enum owner *owner = &owners[platform_cpu_number()], wanted = guests ? GUESTS : HOSTS;

    if (*owner == wanted && !anew)
        return;
    apic_start();
    timer_stop();
    apic_write(APIC_REGISTER_TPR, 0);
    /* What a guest has not ended would hold back the rest. */
    for (int left = VECTORS; left && any_of(APIC_REGISTER_IN_SERVICE); left--)
        platform_end_of_interrupt();
    *owner = CHANGING;
    for (int left = VECTORS; left && any_of(APIC_REGISTER_REQUESTED); left--)
        __asm__ volatile("sti; nop; nop; cli" : : : "memory");
    *owner = wanted;
    if (!guests)
        timer_start();
}

void platform_end_of_interrupt(void)
{
    apic_write(APIC_REGISTER_EOI, 0);
}
