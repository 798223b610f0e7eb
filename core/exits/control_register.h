/* SPDX-License-Identifier: MIT */
/*
 * Loads of CR0, CR3 and CR4 as the CPU would carry them out for the guest (SDM Vol. 2B, MOV to
 * control registers). Each completes the instruction that exited: the register loaded and RIP
 * behind it, or #GP(0), or the guest stopped for what cannot be had here.
 *
 * Bits that VMX fixes (NE, VMXE) are the guest's in the read shadow only. So are CD and NW, which
 * VM entry does not load: a guest that switches caches off changes nothing but what it reads.
 */
#ifndef EXITMETER_CORE_EXITS_CONTROL_REGISTER_H
#define EXITMETER_CORE_EXITS_CONTROL_REGISTER_H

#include "../vmx/dispatch.h"

enum exit_outcome cr0_load(struct vcpu *vcpu, uint64_t value);
enum exit_outcome cr3_load(struct vcpu *vcpu, uint64_t value);
enum exit_outcome cr4_load(struct vcpu *vcpu, uint64_t value);

#endif
