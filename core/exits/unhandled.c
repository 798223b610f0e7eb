/* SPDX-License-Identifier: MIT */
/* How a guest stops, and the exit reasons that nothing handles: its caller learns at what. */
#include "../vmx/dispatch.h"

enum exit_outcome vcpu_stop(struct vcpu *vcpu, enum stop_cause cause, uint64_t value,
                            const char *text)
{
    vcpu->stop = (struct vcpu_stop){
        .cause = cause,
        .exit_reason = (uint32_t)vmread(VMCS_EXIT_REASON),
        .value = value,
        .text = text,
    };
    return EXIT_STOP;
}

enum exit_outcome exit_unhandled(struct vcpu *vcpu)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    PROBE_DETAIL(vmread(VMCS_EXIT_QUALIFICATION));
    return vcpu_stop(vcpu, STOP_UNHANDLED, vmread(VMCS_EXIT_QUALIFICATION), NULL);
}

enum exit_outcome exit_unlisted(struct vcpu *vcpu)
{
    enum exit_outcome outcome = exit_unhandled(vcpu);

    if (vcpu->stop.exit_reason & EXIT_REASON_ENTRY_FAILURE) {
        vcpu->stop.cause = STOP_ENTRY_FAILED;
        vcpu->stop.text = exit_reason_name(vcpu->stop.exit_reason);
    }
    return outcome;
}
