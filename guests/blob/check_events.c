/* SPDX-License-Identifier: MIT */
/*
 * Interrupts to oneself, through the x2APIC: held back by RFLAGS.IF and by the TPR, taken by
 * priority, ended by EOI, waking from HLT. The APIC is the CPU's own under one policy and the
 * core's under the other, and nothing here can tell which.
 */
#include "check.h"

#define X2APIC_TPR      0x808
#define X2APIC_PPR      0x80a
#define X2APIC_EOI      0x80b
#define X2APIC_SVR      0x80f
#define X2APIC_ISR_50   0x812
#define X2APIC_IRR_50   0x822
#define X2APIC_ICR      0x830
#define X2APIC_SELF_IPI 0x83f

#define SVR_ENABLED    0x1ffull
#define SVR_DISABLED   0x0ffull
#define ICR_SELF       (1ull << 18)
#define LOW_VECTOR     0x50u
#define HIGH_VECTOR    0x60u
#define BIT_OF_LOW     (1ull << (LOW_VECTOR % 32))
#define CODE_SELECTOR  8u
#define INTERRUPT_GATE 0x8e00u
#define VECTORS        128u

/* The vectors taken, in their order. */
static volatile uint32_t taken[8], count;

/* Notes the vector and ends the interrupt. */
#define HANDLER(function, vector)                                                  \
    __attribute__((naked)) static void function(void)                              \
    {                                                                              \
        __asm__ volatile("push %%rax; push %%rcx; push %%rdx;"                     \
                         "mov %c1, %%eax; movl %0, %c2(,%%rax,4);"                 \
                         "incl %c1; mov %3, %%ecx; xor %%eax, %%eax;"              \
                         "xor %%edx, %%edx; wrmsr;"                                \
                         "pop %%rdx; pop %%rcx; pop %%rax; iretq"                  \
                         :                                                         \
                         : "i"(vector), "i"(&count), "i"(taken), "i"(X2APIC_EOI)); \
    }
HANDLER(on_low, LOW_VECTOR)
HANDLER(on_high, HIGH_VECTOR)

static uint64_t idt[2 * VECTORS];

static void set_gate(uint32_t vector, void (*handler)(void))
{
    uint64_t at = (uint64_t)handler; /* below 4 GiB, as all of the blob */
    idt[2 * vector] = (at & 0xffff) | CODE_SELECTOR << 16 | (uint64_t)INTERRUPT_GATE << 32 |
                      (at >> 16 & 0xffff) << 48;
    idt[2 * vector + 1] = 0;
}

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

/* The blob's own 32 exceptions, and the two interrupts. */
static void load_idt(struct table_register *old)
{
    __asm__ volatile("sidt %0" : "=m"(*old));
    for (uint32_t i = 0; i < 64; i++)
        idt[i] = ((const uint64_t *)old->base)[i];
    set_gate(LOW_VECTOR, on_low);
    set_gate(HIGH_VECTOR, on_high);
    struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(mine));
}

static uint64_t read(uint32_t msr)
{
    uint64_t value;
    EXPECT(try_rdmsr(msr, &value));
    return value;
}

static void write(uint32_t msr, uint64_t value)
{
    EXPECT(try_wrmsr(msr, value));
}

/* Lets in what is due: the instruction behind STI still belongs to its shadow. */
static void open_and_close(void)
{
    __asm__ volatile("sti; nop; nop; cli" : : : "memory");
}

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
        .gate = GATE_ALWAYS,
        .exit_reason = EXIT_REASON_WRMSR,
        .requires = ROW_REQUIRES_X2APIC,
        .flags = ROW_CHECK,
    },
};
