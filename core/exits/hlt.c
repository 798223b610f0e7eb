/* SPDX-License-Identifier: MIT */
/*
 * HLT: an event that waits wakes the guest at once. If something can be expected to, the guest is
 * entered in the activity state HLT, in which external interrupts exit; if not, its caller is told.
 */
#include "../vmx/event.h"
#include "../x86/control_registers.h"
#include "advance.h"

enum exit_outcome exit_hlt(struct vcpu *vcpu)
{
    guest_advance();
    uint64_t flags = vmread(VMCS_GUEST_RFLAGS);
    if (vcpu->events.nmi || (flags & RFLAGS_IF && event_interrupt_waits(vcpu)))
        return EXIT_EVENTS;
    if (flags & RFLAGS_TF) /* ends by the debug trap behind it */
        return EXIT_EVENTS;
    if (!event_can_wake(vcpu))
        return vcpu_stop(vcpu, STOP_HALTED, 0, NULL);
    if (!(vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_EXTERNAL_INTERRUPT_EXITING)) {
        vmwrite(VMCS_GUEST_ACTIVITY, ACTIVITY_HLT); /* what wakes it is nothing we shall hear of */
        return EXIT_RESUME;
    }
    vcpu->events.halted = true; /* event_prepare() does the rest */
    return EXIT_EVENTS;
}
