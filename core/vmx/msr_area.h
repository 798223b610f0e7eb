/* SPDX-License-Identifier: MIT */
/*
 * The MSR areas: what the CPU itself stores on a VM exit, and loads on VM exits and VM entries, in
 * the order of the entries (SDM Vol. 3C 25.7.2, 25.8.2). An entry costs time on every exit, or
 * entry; what an area is for should be worth that.
 */
#ifndef EXITMETER_CORE_VMX_MSR_AREA_H
#define EXITMETER_CORE_VMX_MSR_AREA_H

#include "capability.h"

#include <stdbool.h>
#include <stdint.h>

struct vcpu;

enum msr_area {
    MSR_AREA_EXIT_STORE, /* the guest's values, from MSRs to memory */
    MSR_AREA_EXIT_LOAD,  /* the host's */
    MSR_AREA_ENTRY_LOAD, /* the guest's */
    MSR_AREAS
};

/* Table 25-15. */
struct msr_area_entry {
    uint32_t msr;
    uint32_t reserved; /* 0 */
    uint64_t value;
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct msr_area_entry) == 16, "SDM Vol. 3C table 25-15");

/* Entries that IA32_VMX_MISC[27:25] recommends at most, for each area (SDM Vol. 3D A.6). */
static inline uint32_t msr_area_limit(const struct vmx_capability *capability)
{
    return 512 * ((uint32_t)(capability->misc >> 25 & 7) + 1);
}

/*
 * Gives an area of the current VMCS, that must be the vCPU's, these entries instead of those it
 * had; none: count is 0. They stay the caller's, in memory of platform_pages_allocate(), contiguous
 * and in place until the area is given others, or vcpu_apply_policy() empties all three. False,
 * with vcpu->stop saying why, if the area would break a rule of SDM Vol. 3C 27.4, 28.4 or 28.6, or
 * names an MSR that this CPU lacks: on a VM exit that is a VMX abort, which stops the CPU. Values
 * to be loaded are not checked: a wrong one fails the VM entry, or aborts the VM exit.
 */
bool msr_area_set(struct vcpu *vcpu, enum msr_area area, const struct msr_area_entry *entries,
                  uint32_t count);

#endif
