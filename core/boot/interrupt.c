/* SPDX-License-Identifier: MIT */
/* Whose the local APIC is, and the interrupts that the host asks it for. */
#include "interrupt.h"
#include "../platform.h"
#include "../x86/instructions.h"
#include "apic.h"
#include "timer.h"

#define EXCEPTIONS     32u
#define VECTORS        256u
#define INTERRUPT_GATE (0x8e00ull << 32) /* present, DPL 0, 64 bits */

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

struct gate {
    uint64_t low, high;
};

static __attribute__((naked)) void dropped(void)
{
    __asm__ volatile("iretq");
}

/*
 * Takes what is requested, so that the APIC's next owner does not get what was meant for the last.
 * On an IDT for this alone: with the exceptions of the host's, and nothing to be done about the
 * rest but to return.
 */
static void drop_requested(void)
{
    static struct gate idt[VECTORS];
    struct descriptor_table_register host = x86_read_idtr();
    struct descriptor_table_register own = {sizeof(idt) - 1, (uint64_t)idt};
    uint64_t at = (uint64_t)dropped;

    for (unsigned i = 0; i < VECTORS; i++)
        idt[i] = i < EXCEPTIONS ? ((const struct gate *)host.base)[i]
                                : (struct gate){(at & 0xffff) | (uint64_t)x86_read_cs() << 16 |
                                                    INTERRUPT_GATE | (at >> 16 & 0xffff) << 48,
                                                at >> 32};
    __asm__ volatile("lidt %0" : : "m"(own) : "memory");
    for (int left = VECTORS; left && any_of(APIC_REGISTER_REQUESTED); left--) {
        __asm__ volatile("sti; nop; nop; cli" : : : "memory");
        platform_end_of_interrupt();
    }
    __asm__ volatile("lidt %0" : : "m"(host) : "memory");
}

void platform_apic_is_guests(bool guests)
{
    apic_start();
    timer_stop();
    apic_write(APIC_REGISTER_TPR, 0);
    /* What a guest has not ended would hold back the rest. */
    for (int left = VECTORS; left && any_of(APIC_REGISTER_IN_SERVICE); left--)
        platform_end_of_interrupt();
    drop_requested();
    if (!guests)
        timer_start();
}

void platform_end_of_interrupt(void)
{
    apic_write(APIC_REGISTER_EOI, 0);
}

/* The host asks for those from CPU to CPU, once there is a second one, and for its timer's. */
bool platform_interrupt(uint8_t vector)
{
    if (vector == KICK_VECTOR && __atomic_load_n(&kicks_expected, __ATOMIC_ACQUIRE)) {
        platform_end_of_interrupt();
        return true;
    }
    if (vector != TIMER_VECTOR || !timer_is_running())
        return false;
    platform_end_of_interrupt();
    timer_interrupt();
    return true;
}
