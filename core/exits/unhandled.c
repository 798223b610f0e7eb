/* SPDX-License-Identifier: MIT */
/* Every exit reason without a handler: the guest stops, and its caller learns at what. */
#include "../vmx/dispatch.h"

enum exit_outcome exit_unhandled(struct vcpu *vcpu)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    PROBE_DETAIL(vmread(VMCS_EXIT_QUALIFICATION));
    return vcpu_stop(vcpu, STOP_UNHANDLED, vmread(VMCS_EXIT_QUALIFICATION), NULL);
}
