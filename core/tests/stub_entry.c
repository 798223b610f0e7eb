/* SPDX-License-Identifier: MIT */
#include "stub_entry.h"

enum vmx_failure (*stub_guest)(struct vcpu *vcpu);

const char vmx_exit_off[1], vmx_exit_counts[1], vmx_exit_stamps[1], vmx_exit_full[1];
const char vmx_exit_hardware[1], vmx_exit_pmu[1], vmx_exit_floor[1];

enum vmx_failure vmx_enter(struct vcpu *vcpu);
enum vmx_failure vmx_enter(struct vcpu *vcpu)
{
    return stub_guest ? stub_guest(vcpu) : VMX_FAIL_INVALID;
}
