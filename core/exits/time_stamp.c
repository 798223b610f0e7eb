/* SPDX-License-Identifier: MIT */
/* RDTSC, RDTSCP and RDPMC: what the guest would have read without the VM exit. */
#include "../vmx/event.h"
#include "edx_eax.h"

/* As the controls have it for a guest that reads it directly (SDM Vol. 3C 26.3, RDTSC). */
static uint64_t guest_time(const struct vcpu *vcpu, uint64_t tsc)
{
    if (!(vcpu->controls[CONTROL_PRIMARY] & PRIMARY_TSC_OFFSETTING))
        return tsc;
    if (vcpu->controls[CONTROL_SECONDARY] & SECONDARY_TSC_SCALING)
        tsc = (uint64_t)((unsigned __int128)tsc * vmread(VMCS_TSC_MULTIPLIER) >> 48);
    return tsc + vmread(VMCS_TSC_OFFSET);
}

enum exit_outcome exit_rdtsc(struct vcpu *vcpu)
{
    return complete_read(vcpu, guest_time(vcpu, x86_rdtsc()));
}

/* IA32_TSC_AUX is the guest's: the host has no use for it. */
enum exit_outcome exit_rdtscp(struct vcpu *vcpu)
{
    uint32_t aux;
    uint64_t tsc = x86_rdtscp(&aux);

    vcpu->rcx = aux;
    return complete_read(vcpu, guest_time(vcpu, tsc));
}

/* The CPU's own counters, and its own refusal of those that it has not got. */
enum exit_outcome exit_rdpmc(struct vcpu *vcpu)
{
    uint32_t low, high;

    PROBE_DETAIL((uint32_t)vcpu->rcx);
    if (!x86_rdpmc_checked((uint32_t)vcpu->rcx, &low, &high))
        return event_exception(vcpu, VECTOR_GP, 0);
    return complete_read(vcpu, (uint64_t)high << 32 | low);
}
