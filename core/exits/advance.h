/* SPDX-License-Identifier: MIT */
/* Going on behind the instruction that exited. */
#ifndef EXITMETER_CORE_EXITS_ADVANCE_H
#define EXITMETER_CORE_EXITS_ADVANCE_H

#include "../vmx/vmcs.h"

/* The one-instruction shadow of an STI or MOV SS ends. 1 VMREAD. */
static inline void guest_end_shadow(void)
{
    uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);
    if (__builtin_expect(blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS), 0))
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~3ull);
}

/*
 * Completes the exiting instruction: RIP moves behind it, and the one-instruction shadow of an STI
 * or MOV SS right before it ends, as it would have on the CPU. 3 VMREADs, 1 VMWRITE.
 */
static inline void guest_advance(void)
{
    uint64_t rip = vmread(VMCS_GUEST_RIP);
    PROBE_RIP(rip);
    vmwrite(VMCS_GUEST_RIP, rip + vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    guest_end_shadow();
}

#endif
