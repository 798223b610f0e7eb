/* SPDX-License-Identifier: MIT */
/* Exceptions for the guest, alone or on top of an event whose delivery the VM exit interrupted. */
#include "../x86/control_registers.h"
#include "event.h"

/* Vectors that push an error code, SDM Vol. 3A table 6-1. */
#define WITH_ERROR_CODE                                                                        \
    (1u << VECTOR_DF | 1u << VECTOR_TS | 1u << VECTOR_NP | 1u << VECTOR_SS | 1u << VECTOR_GP | \
     1u << VECTOR_PF | 1u << VECTOR_AC | 1u << VECTOR_CP)

#define DEBUGCTL_LBR_AND_BTF 3ull

/* SDM Vol. 3A table 7-4. Interrupts and what software asked for are benign, whatever the vector. */
enum severity { BENIGN = 0, CONTRIBUTORY, PAGE_FAULT, DOUBLE_FAULT, SEVERITIES };

static const uint8_t severity_of_vector[32] = {
    [VECTOR_DE] = CONTRIBUTORY, [VECTOR_TS] = CONTRIBUTORY, [VECTOR_NP] = CONTRIBUTORY,
    [VECTOR_SS] = CONTRIBUTORY, [VECTOR_GP] = CONTRIBUTORY, [VECTOR_CP] = CONTRIBUTORY,
    [VECTOR_PF] = PAGE_FAULT,   [VECTOR_VE] = PAGE_FAULT,   [VECTOR_DF] = DOUBLE_FAULT,
};

/* SDM Vol. 3A table 7-5: the first event by line, the second by column. */
enum meeting { SERIALLY = 0, TO_DOUBLE_FAULT, TO_TRIPLE_FAULT };

static const uint8_t meeting_of[SEVERITIES][SEVERITIES] = {
    [CONTRIBUTORY] = {[CONTRIBUTORY] = TO_DOUBLE_FAULT},
    [PAGE_FAULT] = {[CONTRIBUTORY] = TO_DOUBLE_FAULT, [PAGE_FAULT] = TO_DOUBLE_FAULT},
    [DOUBLE_FAULT] = {[CONTRIBUTORY] = TO_TRIPLE_FAULT, [PAGE_FAULT] = TO_TRIPLE_FAULT},
};

static enum severity severity(uint32_t information)
{
    if ((information & EVENT_TYPE) != EVENT_HARDWARE_EXCEPTION)
        return BENIGN;
    return (enum severity)severity_of_vector[information & EVENT_VECTOR & 31];
}

/* As the CPU would raise it: without an error code in real mode. */
static uint32_t hardware_exception(enum exception_vector vector)
{
    uint32_t information = EVENT_VALID | EVENT_HARDWARE_EXCEPTION | (uint32_t)vector;

    if (WITH_ERROR_CODE >> vector & 1 && vmread(VMCS_GUEST_CR0) & CR0_PE)
        information |= EVENT_DELIVER_ERROR_CODE;
    return information;
}

/*
 * The first of two events that are to be handled one after the other, when the second goes first.
 * Interrupts and NMIs wait, where a CPU would have lost them: no guest can want that. The rest
 * comes again by itself, as RIP is still on the instruction.
 */
static enum exit_outcome postpone(struct vcpu *vcpu, uint32_t first)
{
    uint32_t vector = first & EVENT_VECTOR;

    switch (first & EVENT_TYPE) {
    case EVENT_EXTERNAL_INTERRUPT:
        vcpu->events.acknowledged[vector / 64] |= 1ull << vector % 64;
        return EXIT_EVENTS;
    case EVENT_NMI: /* blocks NMIs from its delivery on; that one has not been delivered */
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
                vmread(VMCS_GUEST_INTERRUPTIBILITY) & ~(uint64_t)BLOCKING_BY_NMI);
        vcpu->events.nmi = true;
        return EXIT_EVENTS;
    default:
        return EXIT_RESUME;
    }
}

enum exit_outcome event_deliver(struct vcpu *vcpu, uint32_t information, uint32_t error)
{
    uint32_t first = (uint32_t)vmread(VMCS_IDT_VECTORING_INFO), type = information & EVENT_TYPE;
    enum exit_outcome outcome = EXIT_RESUME;

    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    if (first & EVENT_VALID) {
        vcpu->events.interrupted = 0; /* decided here, should it have been kept already */
        switch (meeting_of[severity(first)][severity(information)]) {
        case TO_TRIPLE_FAULT:
            return vcpu_stop(vcpu, STOP_TRIPLE_FAULT, information & EVENT_VECTOR,
                             "an exception in the delivery of #DF");
        case TO_DOUBLE_FAULT:
            information = hardware_exception(VECTOR_DF);
            error = 0;
            break;
        default:
            outcome = postpone(vcpu, first);
        }
    }
    if (information & EVENT_DELIVER_ERROR_CODE)
        vmwrite(VMCS_ENTRY_EXCEPTION_ERROR_CODE, error);
    if (type == EVENT_PRIVILEGED_TRAP || type == EVENT_SOFTWARE_EXCEPTION)
        vmwrite(VMCS_ENTRY_INSTRUCTION_LENGTH, vmread(VMCS_EXIT_INSTRUCTION_LENGTH));
    vmwrite(VMCS_ENTRY_INTERRUPTION_INFO, information);
    return outcome;
}

enum exit_outcome event_exception(struct vcpu *vcpu, enum exception_vector vector, uint32_t error)
{
    return event_deliver(vcpu, hardware_exception(vector), error);
}

enum exit_outcome event_page_fault(struct vcpu *vcpu, uint64_t address, uint32_t error)
{
    x86_write_cr2(address);
    return event_exception(vcpu, VECTOR_PF, error);
}

enum exit_outcome event_debug_exception(struct vcpu *vcpu, uint64_t dr6)
{
    uint64_t dr7 = vmread(VMCS_GUEST_DR7), debugctl = vmread(VMCS_GUEST_DEBUGCTL);

    x86_write_dr6(dr6);
    if (dr7 & DR7_GD)
        vmwrite(VMCS_GUEST_DR7, dr7 & ~DR7_GD);
    if (debugctl & DEBUGCTL_LBR_AND_BTF)
        vmwrite(VMCS_GUEST_DEBUGCTL, debugctl & ~DEBUGCTL_LBR_AND_BTF);
    return event_exception(vcpu, VECTOR_DB, 0);
}
