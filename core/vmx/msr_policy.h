/* SPDX-License-Identifier: MIT */
/*
 * What an intercepted RDMSR or WRMSR comes to, by MSR: what the core makes of it by itself, but for
 * those that a policy has emulated or refused. One byte an MSR stands in the vCPU, where the
 * handlers look it up; those that the MSR bitmap has no bits for are the CPU's own.
 */
#ifndef EXITMETER_CORE_VMX_MSR_POLICY_H
#define EXITMETER_CORE_VMX_MSR_POLICY_H

#include <stdint.h>

enum msr_class {
    MSR_HARDWARE = 0, /* the CPU's own */
    MSR_REFUSED,      /* #GP, as where there is no such MSR */
    MSR_LOCAL_APIC,
    MSR_APIC_BASE,
    MSR_TSC_DEADLINE,
    MSR_TPR,  /* of the local APIC, too; its writes are too many to go the long way */
    MSR_ZERO, /* reads as 0, writes go nowhere */
    MSR_VMCS, /* and the classes behind it: one a field */
    MSR_SYSENTER_CS = MSR_VMCS,
    MSR_SYSENTER_ESP,
    MSR_SYSENTER_EIP,
    MSR_DEBUGCTL,
    MSR_PAT,
    MSR_EFER,
    MSR_FS_BASE,
    MSR_GS_BASE,
    MSR_CLASSES
};

/* The ranges that the MSR bitmap covers: 0x0-0x1fff and 0xc0000000-0xc0001fff. */
#define MSR_RANGE 0x2000u
#define MSR_HIGH  0xc0000000u

/* An enum msr_class for each. */
struct msr_policy {
    uint8_t low[MSR_RANGE];
    uint8_t high[MSR_RANGE];
};

/*
 * Takes over a page laid out as the MSR bitmap is, its half for reads being what is emulated and
 * its half for writes what is refused; NULL is a page of zeroes. Refused is refused, whatever it
 * is. Emulated are those that would be forwarded to the hardware; what the core keeps for the guest
 * stays that. What must never reach the hardware (msr_never_list.h) is refused if it is not
 * emulated.
 */
void msr_policy_set(struct msr_policy *policy, const uint8_t *answers);

/* Sets the bits of an MSR bitmap that are set under every policy: those of msr_never_list.h. */
void msr_policy_intercept(uint8_t *bitmap);

#endif
