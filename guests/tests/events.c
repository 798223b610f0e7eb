/* SPDX-License-Identifier: MIT */
/*
 * NMIs that a guest sends itself through the CPU's x2APIC, and events whose delivery fails. Each
 * under the policy that ci/tests/test_events.py names.
 */
#include "../blob/capture.h"
#include "../blob/check.h"

#define X2APIC_ID       0x802u
#define X2APIC_EOI      0x80bu
#define X2APIC_SVR      0x80fu
#define X2APIC_ICR      0x830u
#define X2APIC_SELF_IPI 0x83fu
#define ICR_NMI         (4ull << 8 | 1ull << 14)
#define SVR_ENABLED     0x1ffull
#define VECTOR_NMI      2u
#define VECTOR_DF       8u
#define VECTOR_NP       11u
#define VECTOR          0x50u
#define NOT_CANONICAL   0x8000000000000000ull

static void send_nmi(void)
{
    uint64_t id;
    EXPECT(try_rdmsr(X2APIC_ID, &id));
    EXPECT(try_wrmsr(X2APIC_ICR, id << 32 | ICR_NMI));
}

/* The handler of the first sends a second, which must wait for its IRET. */
static volatile uint64_t nmis, nmis_at_once, at_most_at_once;

static void __attribute__((used)) on_nmi(void)
{
    nmis_at_once++;
    if (nmis_at_once > at_most_at_once)
        at_most_at_once = nmis_at_once;
    if (nmis++ == 0)
        send_nmi();
    for (int i = 0; i < 100; i++)
        __asm__ volatile("nop");
    nmis_at_once--;
}

__attribute__((naked)) static void nmi_entry(void)
{
    __asm__ volatile("push %rax; push %rcx; push %rdx; push %rsi; push %rdi; push %r8; push %r9;"
                     "push %r10; push %r11; cld; call on_nmi;"
                     "pop %r11; pop %r10; pop %r9; pop %r8; pop %rdi; pop %rsi; pop %rdx; pop %rcx;"
                     "pop %rax; iretq");
}

static void wait(void)
{
    for (int i = 0; i < 1000; i++)
        __asm__ volatile("nop");
}

static void nmi(struct sample *samples, uint64_t count)
{
    static uint64_t gate[2];
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } idtr;

    (void)samples;
    (void)count;
    capture_start();
    __asm__ volatile("sidt %0" : "=m"(idtr));
    uint64_t *entry = (uint64_t *)idtr.base + 2 * VECTOR_NMI, at = (uint64_t)nmi_entry;
    gate[0] = (at & 0xffff) | 8u << 16 | (uint64_t)GATE_PRESENT << 32 | (at >> 16 & 0xffff) << 48;
    entry[0] = gate[0];
    entry[1] = 0;
    nmis = nmis_at_once = at_most_at_once = 0;
    send_nmi();
    wait();
    EXPECT(nmis == 2 && at_most_at_once == 1);
    nmis = 1; /* none from the handler: and again after all, RFLAGS.IF clear or not */
    send_nmi();
    wait();
    EXPECT(nmis == 2);
    capture_end();
}

static uint64_t behind;

/* NMIs close to exits of another kind, some right before: CPUID exits always. */
static void nmi_and_exits(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    capture_start();
    capture.count = 0;
    for (int i = 0; i < 200; i++) {
        send_nmi();
        for (int j = 0; j < i % 5; j++)
            __asm__ volatile("nop");
        cpuid(0, 0);
    }
    wait();
    EXPECT(capture.count == 200 && capture.vector == VECTOR_NMI);
    capture_end();
}

/* An interrupt whose gate is not present: #NP goes first, and the interrupt is not forgotten. */
static void interrupt_kept(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    capture_start();
    capture_gate(VECTOR, GATE_ABSENT);
    EXPECT(try_wrmsr(X2APIC_SVR, SVR_ENABLED) && try_wrmsr(X2APIC_SELF_IPI, VECTOR));
    EXPECT(CAPTURE("sti; nop; nop; nop", (), (), behind) == 1);
    __asm__ volatile("cli");
    EXPECT(capture.vector == VECTOR_NP && capture.error == (VECTOR << 3 | 3));
    capture_gate(VECTOR, GATE_PRESENT);
    capture.count = 0;
    __asm__ volatile("sti; nop; nop; cli");
    EXPECT(capture.count == 1 && capture.vector == VECTOR && capture.error == 0);
    EXPECT(try_wrmsr(X2APIC_EOI, 0));
    capture_end();
}

/* #GP, its gate not present, and that of #DF neither. */
static void no_double_fault(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    capture_start();
    capture_gate(VECTOR_GP, GATE_ABSENT);
    capture_gate(VECTOR_DF, GATE_ABSENT);
    __asm__ volatile("movb $0, (%0)" : : "r"(NOT_CANONICAL) : "memory");
}

#define GUEST(guest, function, text)                                           \
    {                                                                          \
        .name = guest, CHECK(function), .description = text, .instruction = "" \
    }

ROWS = {
    GUEST("check/nmi", nmi, "NMIs to oneself, one after the other"),
    GUEST("check/nmi_and_exits", nmi_and_exits, "NMIs to oneself among VM exits"),
    GUEST("check/interrupt_kept", interrupt_kept, "an interrupt behind the fault of its delivery"),
    {
        .name = "no_double_fault",
        .description = "#GP, #NP, #NP: a triple fault",
        .instruction = "",
        .op = no_double_fault,
        .control = no_double_fault,
    },
};
