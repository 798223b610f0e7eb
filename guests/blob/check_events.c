/* SPDX-License-Identifier: MIT */
/*
 * Interrupts to oneself, through the x2APIC: held back by RFLAGS.IF and by the TPR, taken by
 * priority, ended by EOI, waking from HLT. The APIC is the CPU's own under one policy and the
 * core's under the other, and nothing here can tell which.
 */
#include "interrupt.h"

#define BIT_OF_LOW (1ull << (LOW_VECTOR % 32))

static void held_back_by_if(void)
{
    count = 0;
    write(X2APIC_SELF_IPI, LOW_VECTOR);
    __asm__ volatile("nop; nop");
    EXPECT(count == 0);
    open_and_close();
    EXPECT(count == 1 && taken[0] == LOW_VECTOR);
    EXPECT(!(read(X2APIC_ISR_50) & BIT_OF_LOW) && !(read(X2APIC_IRR_50) & BIT_OF_LOW));
}

static void held_back_by_tpr(void)
{
    count = 0;
    write(X2APIC_TPR, LOW_VECTOR);
    EXPECT(read(X2APIC_PPR) == LOW_VECTOR);
    write(X2APIC_SELF_IPI, LOW_VECTOR);
    open_and_close();
    EXPECT(count == 0 && read(X2APIC_IRR_50) & BIT_OF_LOW);
    write(X2APIC_SELF_IPI, HIGH_VECTOR);
    open_and_close();
    EXPECT(count == 1 && taken[0] == HIGH_VECTOR);
    write(X2APIC_TPR, 0);
    open_and_close();
    EXPECT(count == 2 && taken[1] == LOW_VECTOR);
}

static void taken_by_priority(void)
{
    count = 0;
    write(X2APIC_ICR, ICR_SELF | LOW_VECTOR);
    write(X2APIC_ICR, ICR_SELF | HIGH_VECTOR);
    open_and_close();
    open_and_close();
    EXPECT(count == 2 && taken[0] == HIGH_VECTOR && taken[1] == LOW_VECTOR);
}

static void wakes_from_hlt(void)
{
    count = 0;
    write(X2APIC_SELF_IPI, LOW_VECTOR);
    __asm__ volatile("sti; hlt; cli" : : : "memory");
    EXPECT(count == 1);
}

static void check_interrupts(struct sample *samples, uint64_t samples_count)
{
    struct table_register old;

    (void)samples;
    (void)samples_count;
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
    held_back_by_if();
    held_back_by_tpr();
    taken_by_priority();
    wakes_from_hlt();
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

ROWS = {
    {
        .name = "check/interrupts",
        .description =
            "interrupts to oneself: held back, taken by priority, ended, waking from HLT",
        .instruction = "WRMSR, STI, HLT",
        .op = check_interrupts,
        .control = check_interrupts,
        .requires = ROW_REQUIRES_X2APIC,
        .flags = ROW_CHECK,
    },
};
