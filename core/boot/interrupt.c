/* SPDX-License-Identifier: MIT */
/* Whose the local APIC is, and the interrupts that the host asks it for. */
#include "interrupt.h"
#include "../platform.h"
#include "apic.h"
#include "timer.h"

#define VECTORS 256u

/* By CPU: whose its local APIC is. */
static enum owner {
    NOBODYS,
    HOSTS,
    GUESTS,
    CHANGING, /* what is requested is dropped */
} owners[PLATFORM_CPUS_MAX];

static bool kicks_expected;

void interrupt_expect_kicks(void)
{
    __atomic_store_n(&kicks_expected, true, __ATOMIC_RELEASE);
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

/* The host asks for those from CPU to CPU, once there is a second one, and for its timer's. */
static bool is_ours(uint8_t vector)
{
    enum owner owner = owners[platform_cpu_number()];

    if (owner == CHANGING)
        return true;
    if (vector == KICK_VECTOR)
        return __atomic_load_n(&kicks_expected, __ATOMIC_ACQUIRE);
    return vector == TIMER_VECTOR && owner == HOSTS;
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
