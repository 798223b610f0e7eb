/* SPDX-License-Identifier: MIT */
/* Events for the guest at the next VM entry (SDM Vol. 3C 25.8.3). */
#ifndef EXITMETER_CORE_VMX_EVENT_H
#define EXITMETER_CORE_VMX_EVENT_H

#include "vmcs.h"

#define EVENT_VALID              (1u << 31)
#define EVENT_DELIVER_ERROR_CODE (1u << 11)
#define EVENT_HARDWARE_EXCEPTION (3u << 8)

#define VECTOR_GP 13u

/*
 * #GP(0) in place of the instruction that exited: RIP stays on it. The field clears itself on the
 * next VM exit, so there is nothing to take back.
 */
static inline void event_inject_gp(void)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO,
            EVENT_VALID | EVENT_DELIVER_ERROR_CODE | EVENT_HARDWARE_EXCEPTION | VECTOR_GP);
}

#endif
