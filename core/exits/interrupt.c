/* SPDX-License-Identifier: MIT */
/*
 * External interrupts, the windows, and the end of a guest's time. An interrupt that is not the
 * host's own belongs to the guest, whose devices pass through: it has been acknowledged by the
 * exit, and is injected as soon as the guest takes it.
 */
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "../x86/control_registers.h"
#include "request.h"

#define INTERRUPTION_VECTOR 0xffu

/* Sets or clears external-interrupt exiting, which the policy has asked for. */
static void set_exiting(struct vcpu *vcpu, bool on)
{
    uint32_t *controls = &vcpu->controls[CONTROL_PIN_BASED];

    *controls = on ? *controls | PIN_BASED_EXTERNAL_INTERRUPT_EXITING
                   : *controls & ~(uint32_t)PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    vmwrite(VMCS_PIN_BASED_CONTROLS, *controls);
}

static bool can_take(void)
{
    return vmread(VMCS_GUEST_RFLAGS) & RFLAGS_IF &&
           !(vmread(VMCS_GUEST_INTERRUPTIBILITY) & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
}

/*
 * Of a guest that has the machine. Its own controllers see an interrupt taken when the guest takes
 * it, no earlier: until then it may mask it, or give it another vector. So where the guest cannot,
 * nothing is acknowledged, and the exit comes again once a window has opened.
 */
static __attribute__((noinline, cold)) enum exit_outcome of_machine(struct vcpu *vcpu)
{
    int vector;

    if (!can_take()) {
        set_exiting(vcpu, false);
        vcpu->events.held = true;
        return EXIT_EVENTS;
    }
    vector = platform_take_interrupt();
    if (vector >= 0) {
        PROBE_DETAIL((uint64_t)vector);
        vcpu->events.acknowledged[vector / 64] |= 1ull << vector % 64;
    }
    return EXIT_EVENTS;
}

enum exit_outcome exit_external_interrupt(struct vcpu *vcpu)
{
    if (__builtin_expect(vcpu->has_machine, 0))
        return of_machine(vcpu);
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
    if (vcpu->events.held) {
        vcpu->events.held = false;
        set_exiting(vcpu, true);
    }
    return EXIT_EVENTS;
}

enum exit_outcome exit_preemption_timer(struct vcpu *vcpu)
{
    if (request_is_met(vcpu, REQUEST_EXPIRE))
        return EXIT_RESUME;
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, STOP_TIME_LIMIT, 0, NULL);
}
