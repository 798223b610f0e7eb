/* SPDX-License-Identifier: MIT */
#include "event.h"

#include "../x86/control_registers.h"

/* Vectors that push an error code, SDM Vol. 3A table 6-1. */
#define WITH_ERROR_CODE                                                                        \
    (1u << VECTOR_DF | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS | 1u << VECTOR_GP | \
     1u << VECTOR_PF | 1u << VECTOR_AC | 1u << VECTOR_CP)

enum exit_outcome event_exception(struct vcpu *vcpu, enum exception_vector vector, uint32_t error)
{
    uint32_t info = EVENT_VALID | EVENT_HARDWARE_EXCEPTION | (uint32_t)vector;

    (void)vcpu;
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    if (WITH_ERROR_CODE >> vector & 1 && vmread(VMCS_GUEST_CR0) & CR0_PE) {
        info |= EVENT_DELIVER_ERROR_CODE;
        vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error);
    }
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, info);
    return EXIT_RESUME;
}

enum exit_outcome event_page_fault(struct vcpu *vcpu, uint64_t address, uint32_t error)
{
    x86_write_cr2(address);
    return event_exception(vcpu, VECTOR_PF, error);
}
