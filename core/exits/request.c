/* SPDX-License-Identifier: MIT */
#include "request.h"

#include "../hypercall.h"

#define AT_ONCE 1u /* a time that has passed, for platform_timer() */

static void set_trap_flag(struct vcpu *vcpu, bool on)
{
    uint32_t *controls = &vcpu->controls[CONTROL_PRIMARY];

    *controls = on ? *controls | PRIMARY_MONITOR_TRAP_FLAG
                   : *controls & ~(uint32_t)PRIMARY_MONITOR_TRAP_FLAG;
    vmwrite(VMCS_PRIMARY_CONTROLS, *controls);
}

/* A caller that steps the guest by itself keeps its trap flag. */
static bool step(struct vcpu *vcpu)
{
    if (!(vcpu->capability->controls[CONTROL_PRIMARY] >> 32 & PRIMARY_MONITOR_TRAP_FLAG) ||
        vcpu->controls[CONTROL_PRIMARY] & PRIMARY_MONITOR_TRAP_FLAG)
        return false;
    set_trap_flag(vcpu, true);
    vcpu->requested |= REQUEST_STEP;
    return true;
}

/* A timer that is 0 expires at the VM entry, before the guest's next instruction. */
static bool expire(struct vcpu *vcpu)
{
    if (!(vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_PREEMPTION_TIMER))
        return false;
    if (!(vcpu->requested & REQUEST_EXPIRE))
        vcpu->time_left = (uint32_t)vmread(VMCS_PREEMPTION_TIMER);
    vmwrite(VMCS_PREEMPTION_TIMER, 0);
    vcpu->requested |= REQUEST_EXPIRE;
    return true;
}

/* The host's timer, which the guest's may be waiting for as well: it is asked again afterwards. */
static bool interrupt(struct vcpu *vcpu)
{
    if (!vcpu->apic.host_timer)
        return false;
    platform_timer(AT_ONCE);
    vcpu->requested |= REQUEST_INTERRUPT;
    return true;
}

enum exit_outcome request_exit(struct vcpu *vcpu, unsigned hypercall)
{
    bool can = true;

    switch (hypercall) {
    case HYPERCALL_STEP:
        can = step(vcpu);
        break;
    case HYPERCALL_EXPIRE:
        can = expire(vcpu);
        break;
    case HYPERCALL_INTERRUPT:
        can = interrupt(vcpu);
        break;
    default:
        vcpu->events.nmi = true;
        break;
    }
    vcpu->rax = can ? 0 : HYPERCALL_UNSUPPORTED;
    return vcpu->events.nmi ? EXIT_EVENTS : EXIT_RESUME;
}

static void end(struct vcpu *vcpu, uint32_t request)
{
    vcpu->requested &= ~request;
    if (request & REQUEST_STEP)
        set_trap_flag(vcpu, false);
    if (request & REQUEST_EXPIRE)
        vmwrite(VMCS_PREEMPTION_TIMER, vcpu->time_left);
    if (request & REQUEST_INTERRUPT && vcpu->apic.host_timer)
        platform_timer(vcpu->apic.armed);
}

bool request_is_met(struct vcpu *vcpu, uint32_t request)
{
    if (!(vcpu->requested & request))
        return false;
    end(vcpu, request);
    return true;
}

void request_drop(struct vcpu *vcpu)
{
    if (vcpu->requested)
        end(vcpu, vcpu->requested);
}
