/* SPDX-License-Identifier: MIT */
/*
 * Exits that no instruction of a guest's brings about, asked for by hypercalls. The control is the
 * hypercall that does nothing, so that the exit asked for is what remains, and the asking.
 */
#include "delivery.h"

#define NOTHING "xor %%eax, %%eax\n\txor %%ecx, %%ecx"
#define ASK(n)  "mov $" n ", %%eax\n\txor %%ecx, %%ecx"
_Static_assert(HYPERCALL_NMI == 3 && HYPERCALL_STEP == 4 && HYPERCALL_EXPIRE == 5 &&
                   HYPERCALL_INTERRUPT == 6,
               "as below");

ROW_FUNCTION(nothing_control, NOTHING, "vmcall\n\tnop")
ROW_FUNCTION(monitor_trap_flag_op, ASK("4"), "vmcall\n\tnop")
ROW_FUNCTION(preemption_timer_op, ASK("5"), "vmcall\n\tnop")
ROW_FUNCTION(external_interrupt_op, ASK("6"), "vmcall\n\tnop")

/* The control takes one NMI; the operation one more, which the handler asks for. */
DELIVERY_FUNCTION(nmi_window_control, ASK("3"), "movl $0, delivery_nested\n\tvmcall", 1)
DELIVERY_FUNCTION(nmi_window_op, ASK("3"), "movl $1, delivery_nested\n\tvmcall", 2)

static void open(void)
{
    __asm__ volatile("sti");
}

static void close(void)
{
    __asm__ volatile("cli");
}

#define ASKED(id) .name = #id, .op = id##_op, .instruction = "VMCALL"

ROWS = {
    {
        ASKED(external_interrupt),
        .control = nothing_control,
        FRAME(open, close),
        .description = "interrupt of the host's own timer, asked for by a hypercall",
        .exits = {ALWAYS(EXTERNAL_INTERRUPT)},
        .requires = ROW_REQUIRES_HOST_INTERRUPT,
    },
    {
        ASKED(nmi_window),
        .control = nmi_window_control,
        FRAME(delivery_open, delivery_close),
        .description = "NMI asked for while NMIs are blocked, taken behind the handler's IRET",
        .exits = {ALWAYS(VMCALL), ALWAYS(NMI_WINDOW)},
        .requires = ROW_REQUIRES_X2APIC | ROW_REQUIRES_VIRTUAL_NMIS,
    },
    {
        ASKED(preemption_timer),
        .control = nothing_control,
        .description = "VMX-preemption timer that expires at the VM entry of a hypercall",
        .exits = {ALWAYS(PREEMPTION_TIMER)},
        .requires = ROW_REQUIRES_PREEMPTION_TIMER,
    },
    {
        ASKED(monitor_trap_flag),
        .control = nothing_control,
        .description = "monitor trap flag behind one NOP, asked for by a hypercall",
        .exits = {ALWAYS(MONITOR_TRAP_FLAG)},
        .requires = ROW_REQUIRES_TRAP_FLAG,
    },
};
