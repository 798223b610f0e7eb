/* SPDX-License-Identifier: MIT */
/* HLT: an event that waits wakes the guest at once; with none its caller is told. */
#include "../vmx/event.h"
#include "../x86/control_registers.h"
#include "advance.h"

enum exit_outcome exit_hlt(struct vcpu *vcpu)
{
    guest_advance();
    bool interrupts = vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF;
    if (vcpu->events.nmi || (interrupts && event_interrupt_waits(vcpu)))
        return EXIT_EVENTS;
    return vcpu_stop(vcpu, STOP_HALTED, 0, NULL);
}
