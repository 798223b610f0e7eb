/* SPDX-License-Identifier: MIT */
/* VMX operation on this CPU: in, and out again (SDM Vol. 3C 24.7). */
#ifndef EXITMETER_CORE_VMX_VMXON_H
#define EXITMETER_CORE_VMX_VMXON_H

#include "capability.h"

struct vmx_cpu {
    struct vmx_capability capability;
    void *region; /* VMXON region, one page, owned; NULL outside VMX operation */
    uint64_t
        cr4_added; /* what vmx_enable() has set in CR4: VMXE; OSXSAVE, or OSFXSR without XSAVE */
};

/*
 * Enters VMX root operation on this CPU. NULL on success; else the reason in words, and everything
 * that was done is undone, except that an unlocked IA32_FEATURE_CONTROL stays locked with VMX on.
 * *cpu is zeroed, or as vmx_disable() left it, or already in VMX operation, which is refused. It
 * stays where it is until vmx_disable().
 */
const char *vmx_enable(struct vmx_cpu *cpu);

/* Brings the host's state back (resident_state.h), leaves VMX operation, frees the region; no vCPU
 * is bound to this CPU any more. Safe to call twice, or without vmx_enable(). */
void vmx_disable(struct vmx_cpu *cpu);

#endif
