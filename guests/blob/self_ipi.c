/* SPDX-License-Identifier: MIT */
/*
 * An IPI to oneself, taken: sent with interrupts off, or with the TPR above it, and let in by STI
 * with a NOP or a HLT behind it, or by CR8. The five of kvm-unit-tests, under its names, by the
 * self-IPI register of the x2APIC and by the xAPIC's page: there, as it does, the ICR is read to
 * see that it is free, and both its halves are written. The handler's EOI is in the figure.
 */
#include "delivery.h"
#include "xapic_exits.h"

/* CR8 of the TPR above the vector, and of 0. */
#define PRIORITIES "mov $15, %%esi\n\txor %%edi, %%edi"
#define RAISE      "mov %%rsi, %%cr8"
#define LOWER      "mov %%rdi, %%cr8"
_Static_assert(DELIVERY_CR8 == 15 && DELIVERY_VECTOR == 0x50, "as above and below");

#define X2APIC_PREPARE "mov $0x83f, %%ecx\n\tmov $0x50, %%eax\n\txor %%edx, %%edx"
#define X2APIC_SEND    "wrmsr"

#define XAPIC_PREPARE "mov $" XAPIC_WINDOW_TEXT ", %%ebx"
#define XAPIC_SEND                                                                   \
    "2: testl $0x1000, 0x300(%%rbx)\n\tjnz 2b\n\tmovl $0x50000000, 0x310(%%rbx)\n\t" \
    "movl $0x44050, 0x300(%%rbx)" /* assert, to oneself */

#define CODES(id, prepare, send)                                                                 \
    DELIVERY_CODE(id##_sti_nop, prepare, "cli\n\t" send "\n\tsti\n\tnop")                        \
    DELIVERY_CODE(id##_sti_hlt, prepare, "cli\n\t" send "\n\tsti\n\thlt")                        \
    DELIVERY_CODE(id##_tpr, prepare "\n\t" PRIORITIES, RAISE "\n\t" send "\n\t" LOWER "\n\tnop") \
    DELIVERY_CODE(id##_tpr_sti_nop, prepare "\n\t" PRIORITIES,                                   \
                  "cli\n\t" RAISE "\n\t" send "\n\t" LOWER "\n\tsti\n\tnop")                     \
    DELIVERY_CODE(id##_tpr_sti_hlt, prepare "\n\t" PRIORITIES,                                   \
                  "cli\n\t" RAISE "\n\t" send "\n\t" LOWER "\n\tsti\n\thlt")

CODES(self_ipi, XAPIC_PREPARE, XAPIC_SEND)
CODES(x2apic_self_ipi, X2APIC_PREPARE, X2APIC_SEND)

/*
 * What the core's local APIC takes beyond the accesses to it: where it is the CPU's own, interrupts
 * do not exit (ROW_REQUIRES_DELIVERY).
 */
#define BY_CR8                                                                                    \
    {.reason = EXIT_REASON_CR_ACCESS, .times = 2, .when_on = {PRIMARY_CONTROL_CR8_LOAD_EXITING}}, \
    {                                                                                             \
        .reason = EXIT_REASON_TPR_BELOW_THRESHOLD, .times = 1,                                    \
        .when_on = {PRIMARY_CONTROL_TPR_SHADOW}, .when_off = {                                    \
            PRIMARY_CONTROL_CR8_LOAD_EXITING,                                                     \
            VIRTUALIZED_DELIVERY                                                                  \
        }                                                                                         \
    }
#define BY_NOP IF_INTERRUPT_WINDOW
#define BY_HLT IF_CONTROL(HLT, PRIMARY_CONTROL_HLT_EXITING)

#define X2APIC_ACCESSES IF_MSR_WRITTEN(X2APIC_SELF_IPI), IF_MSR_WRITTEN(X2APIC_EOI)
#define XAPIC_ACCESSES  XAPIC_EMULATED(4), XAPIC_STORED(2), XAPIC_DELIVERED(2)

#define X2APIC(id, by, before, more, text)                                             \
    .name = "x2apic_" #id, CODE(x2apic_##id), FRAME(before, delivery_close),           \
    .description = "IPI to oneself by the x2APIC, " text, .instruction = "WRMSR; " by, \
    .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_DELIVERY | (more)
#define XAPIC(id, by, before, more, text)                                                  \
    .name = #id, CODE(id), FRAME(before, delivery_close_xapic),                            \
    .description = "IPI to oneself by the xAPIC's page, " text, .instruction = "MOV; " by, \
    .requires = ROW_REQUIRES_CORES_APIC | ROW_REQUIRES_DELIVERY | (more)

ROWS = {
    {
        XAPIC(self_ipi_sti_nop, "STI; NOP", delivery_open_xapic, 0, "taken behind STI"),
        .exits = {XAPIC_ACCESSES, BY_NOP},
    },
    {
        XAPIC(self_ipi_sti_hlt, "STI; HLT", delivery_open_xapic, ROW_REQUIRES_HLT, "taken by HLT"),
        .exits = {XAPIC_ACCESSES, BY_HLT},
    },
    {
        XAPIC(self_ipi_tpr, "MOV CR8", delivery_open_xapic_on, 0, "held back by CR8"),
        .exits = {XAPIC_ACCESSES, BY_CR8},
    },
    {
        XAPIC(self_ipi_tpr_sti_nop, "MOV CR8; STI; NOP", delivery_open_xapic, 0,
              "held back by CR8, taken behind STI"),
        .exits = {XAPIC_ACCESSES, BY_CR8, BY_NOP},
    },
    {
        XAPIC(self_ipi_tpr_sti_hlt, "MOV CR8; STI; HLT", delivery_open_xapic, ROW_REQUIRES_HLT,
              "held back by CR8, taken by HLT"),
        .exits = {XAPIC_ACCESSES, BY_CR8, BY_HLT},
    },
    {
        X2APIC(self_ipi_sti_nop, "STI; NOP", delivery_open, 0, "taken behind STI"),
        .exits = {X2APIC_ACCESSES, BY_NOP},
    },
    {
        X2APIC(self_ipi_sti_hlt, "STI; HLT", delivery_open, ROW_REQUIRES_HLT, "taken by HLT"),
        .exits = {X2APIC_ACCESSES, BY_HLT},
    },
    {
        X2APIC(self_ipi_tpr, "MOV CR8", delivery_open_on, 0, "held back by CR8"),
        .exits = {X2APIC_ACCESSES, BY_CR8},
    },
    {
        X2APIC(self_ipi_tpr_sti_nop, "MOV CR8; STI; NOP", delivery_open, 0,
               "held back by CR8, taken behind STI"),
        .exits = {X2APIC_ACCESSES, BY_CR8, BY_NOP},
    },
    {
        X2APIC(self_ipi_tpr_sti_hlt, "MOV CR8; STI; HLT", delivery_open, ROW_REQUIRES_HLT,
               "held back by CR8, taken by HLT"),
        .exits = {X2APIC_ACCESSES, BY_CR8, BY_HLT},
    },
};
