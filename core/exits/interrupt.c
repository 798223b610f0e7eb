/* SPDX-License-Identifier: MIT */
/*
 * External interrupts, the windows, and the end of a guest's time. An interrupt that is not the
 * host's own belongs to the guest, whose devices pass through: it has been acknowledged by the
 * exit, and is injected as soon as the guest takes it.
 */
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "request.h"

#define INTERRUPTION_VECTOR 0xffu

enum exit_outcome exit_external_interrupt(struct vcpu *vcpu)
{
    uint8_t vector = (uint8_t)(vmread(VMCS_EXIT_INTERRUPTION_INFO) & INTERRUPTION_VECTOR);

    PROBE_DETAIL(vector);
    if (platform_interrupt(vector)) {
        if (__atomic_exchange_n(&vcpu->kicked, false, __ATOMIC_ACQ_REL))
            return vcpu_stop(vcpu, STOP_KICKED, 0, NULL);
        request_is_met(vcpu, REQUEST_INTERRUPT);
        return EXIT_EVENTS;
    }
    vcpu->events.acknowledged[vector / 64] |= 1ull << vector % 64;
    /* The guest's EOI ends it in the local APIC the guest has. */
    if (!local_apic_is_hardware(&vcpu->apic))
        platform_end_of_interrupt();
    return EXIT_EVENTS;
}

/* event_prepare() does what the window was opened for, and closes it when nothing is left. */
enum exit_outcome exit_window(struct vcpu *vcpu)
{
    (void)vcpu;
    return EXIT_EVENTS;
}

enum exit_outcome exit_preemption_timer(struct vcpu *vcpu)
{
    if (request_is_met(vcpu, REQUEST_EXPIRE))
        return EXIT_RESUME;
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_TIME_LIMIT, 0, NULL);
}
