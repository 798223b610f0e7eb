/* SPDX-License-Identifier: MIT */
/*
 * APIC virtualization by the CPU (SDM Vol. 3C chapter 30), on the page that is the local APIC's own
 * storage: TPR shadow, virtualized x2APIC mode, APIC accesses and registers, virtual-interrupt
 * delivery. A policy turns each on by its control. Posted interrupts are not used: an IPI to
 * another vCPU interrupts its CPU.
 *
 * Under virtual-interrupt delivery the CPU knows nothing of the APIC being disabled by software: an
 * IPI to itself is then taken all the same.
 */
#ifndef EXITMETER_CORE_EXITS_APIC_VIRTUAL_H
#define EXITMETER_CORE_EXITS_APIC_VIRTUAL_H

#include "../vmx/vcpu.h"

/*
 * Whose local APIC the guest gets under a policy: the CPU's own, if any access to it passes the MSR
 * bitmap and is not virtualized; else the core's, and then CR8, which is its TPR, must exit or be
 * virtualized too, which the wish for primary controls is extended by. False, with vcpu->stop, if
 * the policy would give the guest some of both.
 */
bool apic_virtual_choose(struct vcpu *vcpu, const struct vcpu_policy *policy,
                         struct control_wish *primary);

/* Fields of the controls in force, as vmcs_write() does. */
void apic_virtual_write(struct vcpu *vcpu, uint32_t *failure);

/*
 * Before a VM entry at which the mode, or what can be delivered, may have changed: the TPR
 * threshold, or the guest interrupt status. For event_prepare().
 */
void apic_virtual_prepare(struct vcpu *vcpu);

/* Whether the CPU delivers what the local APIC holds, so that nothing of it is to be injected. */
static inline bool apic_virtual_delivers(const struct vcpu *vcpu)
{
    return vcpu->controls[CONTROL_SECONDARY] & SECONDARY_VIRTUAL_INTERRUPT_DELIVERY;
}

#endif
