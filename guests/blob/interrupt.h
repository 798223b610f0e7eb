/* SPDX-License-Identifier: MIT */
/*
 * Interrupts for a row that takes some: an IDT with the blob's 32 exceptions and the row's own
 * handlers, which note what came in its order, and the x2APIC's registers. For one file a row, as
 * all of it is static.
 */
#ifndef EXITMETER_GUESTS_BLOB_INTERRUPT_H
#define EXITMETER_GUESTS_BLOB_INTERRUPT_H

#include "check.h"
#include "idt.h"

#define IA32_APIC_BASE    0x1b
#define IA32_TSC_DEADLINE 0x6e0

#define X2APIC_ID            0x802
#define X2APIC_TPR           0x808
#define X2APIC_PPR           0x80a
#define X2APIC_EOI           0x80b
#define X2APIC_LDR           0x80d
#define X2APIC_SVR           0x80f
#define X2APIC_ISR_50        0x812
#define X2APIC_IRR_50        0x822
#define X2APIC_ESR           0x828
#define X2APIC_ICR           0x830
#define X2APIC_LVT_TIMER     0x832
#define X2APIC_LVT_ERROR     0x837
#define X2APIC_INITIAL_COUNT 0x838
#define X2APIC_CURRENT_COUNT 0x839
#define X2APIC_DIVIDE        0x83e
#define X2APIC_SELF_IPI      0x83f

#define SVR_ENABLED  0x1ffull
#define SVR_DISABLED 0x0ffull
#define ICR_SELF     (1ull << 18)
#define LOW_VECTOR   0x50u
#define HIGH_VECTOR  0x60u

#define VECTORS 128u

/* The vectors taken, in their order. */
static volatile uint32_t taken[8], count;

/* Notes the vector and ends the interrupt. */
#define HANDLER(function, vector)                                                  \
    __attribute__((naked)) static void function(void)                              \
    {                                                                              \
        __asm__ volatile("push %%rax; push %%rcx; push %%rdx;"                     \
                         "mov %c1, %%eax; and $7, %%eax; movl %0, %c2(,%%rax,4);"  \
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
    idt_set(idt, vector, handler);
}

/* The blob's own 32 exceptions, and the two interrupts. */
static void load_idt(struct table_register *old)
{
    idt_copy(idt, old);
    set_gate(LOW_VECTOR, on_low);
    set_gate(HIGH_VECTOR, on_high);
    struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};
    idt_load(&mine);
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

#endif
