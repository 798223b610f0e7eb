/* SPDX-License-Identifier: MIT */
/* Exits that are the caller's to decide on: the vCPU returns, and says by name why. */
#include "../vmx/dispatch.h"
#include "../vmx/event.h"
#include "request.h"

/* Exit qualification of a task switch, SDM Vol. 3C table 28-2. */
#define TASK_SELECTOR(qualification) ((qualification)&0xffff)
#define TASK_SOURCE(qualification)   ((unsigned)((qualification) >> 30) & 3)

#define STARTUP_VECTOR 0xffu

static enum exit_outcome stop(struct vcpu *vcpu, enum stop_cause cause, uint64_t value,
                              const char *text)
{
    PROBE_RIP(vmread(VMCS_GUEST_RIP));
    return vcpu_stop(vcpu, cause, value, text);
}

enum exit_outcome exit_triple_fault(struct vcpu *vcpu)
{
    return stop(vcpu, STOP_TRIPLE_FAULT, 0, NULL);
}

enum exit_outcome exit_init_signal(struct vcpu *vcpu)
{
    return stop(vcpu, STOP_INIT_SIGNAL, 0, NULL);
}

enum exit_outcome exit_startup_ipi(struct vcpu *vcpu)
{
    return stop(vcpu, STOP_STARTUP_IPI, vmread(VMCS_EXIT_QUALIFICATION) & STARTUP_VECTOR, NULL);
}

enum exit_outcome exit_task_switch(struct vcpu *vcpu)
{
    static const char *const sources[4] = {"CALL", "IRET", "JMP", "task gate in the IDT"};
    uint64_t qualification = vmread(VMCS_EXIT_QUALIFICATION);

    PROBE_DETAIL(qualification);
    return stop(vcpu, STOP_TASK_SWITCH, TASK_SELECTOR(qualification),
                sources[TASK_SOURCE(qualification)]);
}

/* The caller runs the vCPU on for the next step, but for one that the guest has asked for. */
enum exit_outcome exit_monitor_trap_flag(struct vcpu *vcpu)
{
    if (request_is_met(vcpu, REQUEST_STEP))
        return EXIT_RESUME;
    return stop(vcpu, STOP_SINGLE_STEP, vmread(VMCS_GUEST_RIP), NULL);
}

/* The write that found no room has not been made: it comes again when the caller runs it on. */
enum exit_outcome exit_page_modification_log_full(struct vcpu *vcpu)
{
    event_block_nmis_again(vmread(VMCS_EXIT_QUALIFICATION));
    if (event_keep_interrupted(vcpu))
        event_prepare(vcpu);
    return stop(vcpu, STOP_LOG_FULL, 0, NULL);
}
