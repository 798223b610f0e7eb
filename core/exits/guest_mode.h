/* SPDX-License-Identifier: MIT */
/* What a handler asks of the guest that exited: its privilege, its mode, its view of CR0 and CR4.
 */
#ifndef EXITMETER_CORE_EXITS_GUEST_MODE_H
#define EXITMETER_CORE_EXITS_GUEST_MODE_H

#include "../vmx/capability.h"
#include "../vmx/segment.h"
#include "../vmx/vmcs.h"
#include "../x86/canonical.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <stdbool.h>
#include <stdint.h>

static inline unsigned guest_privilege_level(void)
{
    return (unsigned)SEGMENT_DPL(vmread(VMCS_GUEST_SS_ACCESS_RIGHTS));
}

/* 64-bit mode, in which operands of MOV CR and MOV DR are 64 bits wide, and 32 in every other. */
static inline bool guest_in_64_bit_mode(void)
{
    return vmread(VMCS_GUEST_EFER) & EFER_LMA && vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_LONG;
}

/* CR0 and CR4 as the guest reads them: bits of the guest/host mask from the read shadow. */
static inline uint64_t guest_cr0(void)
{
    uint64_t mask = vmread(VMCS_CR0_MASK);
    return (vmread(VMCS_GUEST_CR0) & ~mask) | (vmread(VMCS_CR0_SHADOW) & mask);
}

static inline uint64_t guest_cr4(void)
{
    uint64_t mask = vmread(VMCS_CR4_MASK);
    return (vmread(VMCS_GUEST_CR4) & ~mask) | (vmread(VMCS_CR4_SHADOW) & mask);
}

/*
 * Width of the linear addresses that a base of GDTR, IDTR, LDTR or TR may be: what the CPU can do,
 * whatever CR4.LA57 says.
 */
static inline unsigned guest_base_width(const struct vmx_capability *capability)
{
    return capability->cr4_fixed1 & CR4_LA57 ? LINEAR_WIDTH_5 : LINEAR_WIDTH_4;
}

#endif
