/* SPDX-License-Identifier: MIT */
/*
 * Exceptions that the exception bitmap makes exit, and NMIs. An exception is the guest's own and is
 * delivered to it as the CPU would have done; an NMI too, unless the host asked for it.
 */
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "../x86/control_registers.h"

/*
 * Exit qualification of a #DB, SDM Vol. 3C table 28-1, which is DR6 but for the polarity of some
 * bits: in DR6 11 (bus lock) and 16 (RTM) are clear where the qualification has them set.
 */
#define DEBUG_CAUSES (DR6_BREAKPOINTS | DR6_BLD | DR6_BD | DR6_BS | DR6_RTM)

static enum exit_outcome nmi(struct vcpu *vcpu)
{
    if (!platform_nmi())
        vcpu->events.nmi = true;
    return EXIT_EVENTS;
}

/* The VM exit has left DR6 as it was (SDM Vol. 3C 28.1); delivery clears the old breakpoints. */
static enum exit_outcome debug_exception(struct vcpu *vcpu)
{
    const uint64_t low = DR6_BLD | DR6_RTM;
    uint64_t causes = vmread(VMCS_EXIT_QUALIFICATION) & DEBUG_CAUSES;
    uint64_t dr6 = x86_read_dr6() & ~DR6_BREAKPOINTS;
    uint64_t blocking = vmread(VMCS_GUEST_INTERRUPTIBILITY);

    /* A vectoring VM entry ends these; with RFLAGS.TF, it would also be refused for them. */
    if (blocking & (BLOCKING_BY_STI | BLOCKING_BY_MOV_SS))
        vmwrite(VMCS_GUEST_INTERRUPTIBILITY,
                blocking & ~(uint64_t)(BLOCKING_BY_STI | BLOCKING_BY_MOV_SS));
    return event_debug_exception(vcpu, (dr6 | (causes & ~low)) & ~(causes & low));
}

enum exit_outcome exit_exception_or_nmi(struct vcpu *vcpu)
{
    uint32_t information = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION_INFO);
    uint32_t vector = information & EVENT_VECTOR, type = information & EVENT_TYPE, error = 0;

    PROBE_DETAIL(information);
    if (type == EVENT_NMI)
        return nmi(vcpu);
    if (!(information & EVENT_VALID) || vector > 31 ||
        (type != EVENT_HARDWARE_EXCEPTION && type != EVENT_PRIVILEGED_TRAP &&
         type != EVENT_SOFTWARE_EXCEPTION))
        return vcpu_stop(vcpu, STOP_UNHANDLED, information,
                         "interruption information that the SDM does not define");
    if (vector == VECTOR_MC)
        return vcpu_stop(vcpu, STOP_MACHINE_CHECK, vmread(VMCS_GUEST_RIP), NULL);
    if (vector == VECTOR_DB && type == EVENT_HARDWARE_EXCEPTION)
        return debug_exception(vcpu);
    if (vector == VECTOR_PF)
        x86_write_cr2(vmread(VMCS_EXIT_QUALIFICATION));
    if (information & EVENT_DELIVER_ERROR_CODE)
        error = (uint32_t)vmread(VMCS_EXIT_INTERRUPTION_ERROR_CODE);
    /*
     * Without bit 12: an IRET that faulted has ended the blocking of NMIs, and with the fault
     * delivered it stays ended (SDM Vol. 3A 7.7.1).
     */
    return event_deliver(vcpu, information & ~EVENT_UNBLOCKED_NMIS, error);
}
