/* SPDX-License-Identifier: MIT */
/*
 * Interrupts that wait, and that are waited for: one that is pending as interrupts are let in, by
 * STI alone and by HLT, and the local APIC's timer by a deadline that has passed or is to come.
 */
#include "delivery.h"

#define PENDING \
    "mov $" X2APIC_SELF_IPI_TEXT ", %%ecx\n\tmov $0x50, %%eax\n\txor %%edx, %%edx\n\twrmsr"
DELIVERY_CODE(interrupt_window, PENDING, "sti\n\tnop\n\tcli")
DELIVERY_CODE(hlt, PENDING, "sti\n\thlt\n\tcli")
_Static_assert(DELIVERY_VECTOR == 0x50, "as above");

/* RDTSC stands in the control too. */
#define NOW "mov $0x6e0, %%ecx\n\tmov delivered, %%ebx\n\trdtsc"
DELIVERY_CODE(tscdeadline_immed, NOW, "wrmsr\n\tnop")
DELIVERY_CODE(tscdeadline, NOW,
              "add $3000, %%eax\n\tadc $0, %%edx\n\twrmsr\n\t2: cmp delivered, %%ebx\n\tje 2b")

#define IA32_TSC_DEADLINE 0x6e0

ROWS = {
    {
        .name = "interrupt_window",
        CODE(interrupt_window),
        FRAME(delivery_begin, delivery_end),
        .description = "a pending interrupt taken as interrupts are let in",
        .instruction = "STI; NOP",
        .exits = {IF_INTERRUPT_WINDOW, IF_MSR_WRITTEN(X2APIC_EOI)},
        .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_DELIVERY,
    },
    {
        .name = "hlt",
        CODE(hlt),
        FRAME(delivery_begin, delivery_end),
        .description = "HLT, ended at once by a pending interrupt",
        .instruction = "STI; HLT",
        .exits = {IF_CONTROL(HLT, PRIMARY_CONTROL_HLT_EXITING), IF_MSR_WRITTEN(X2APIC_EOI)},
        .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_DELIVERY | ROW_REQUIRES_HLT,
    },
    {
        .name = "tscdeadline_immed",
        CODE(tscdeadline_immed),
        FRAME(delivery_open_deadline, delivery_close_deadline),
        .description = "the APIC's timer, by a deadline that has passed",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_TSC_DEADLINE), IF_MSR_WRITTEN(X2APIC_EOI)},
        .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_DELIVERY | ROW_REQUIRES_DEADLINE,
    },
    {
        .name = "tscdeadline",
        CODE(tscdeadline),
        FRAME(delivery_open_deadline, delivery_close_deadline),
        .description = "the APIC's timer, waited for by a deadline 3000 ticks ahead",
        .instruction = "WRMSR",
        /* The core's timer takes an exit by the host's. */
        .exits = {IF_MSR_WRITTEN(IA32_TSC_DEADLINE), IF_MSR_WRITTEN(X2APIC_EOI),
                  IF_CONTROL(EXTERNAL_INTERRUPT, PIN_BASED_CONTROL_EXTERNAL_INTERRUPT_EXITING)},
        .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_DELIVERY | ROW_REQUIRES_DEADLINE,
    },
};
