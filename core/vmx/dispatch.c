/* SPDX-License-Identifier: MIT */
#include "dispatch.h"

/* Reasons without a line of their own stop the guest, by name. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
exit_handler *const exit_handlers[EXIT_REASONS] = {
    [0 ... EXIT_REASONS - 1] = exit_unhandled,
    [EXIT_REASON_CPUID] = exit_cpuid,
    [EXIT_REASON_HLT] = exit_hlt,
    [EXIT_REASON_VMCALL] = exit_vmcall,
    [EXIT_REASON_IO] = exit_io,
    [EXIT_REASON_RDMSR] = exit_rdmsr,
    [EXIT_REASON_WRMSR] = exit_wrmsr,
};
#pragma GCC diagnostic pop

enum exit_outcome vcpu_stop(struct vcpu *vcpu, enum stop_cause cause, uint64_t value,
                            const char *text)
{
    vcpu->stop = (struct vcpu_stop){
        .cause = cause,
        .exit_reason = (uint32_t)vmread(VMCS_EXIT_REASON),
        .value = value,
        .text = text,
    };
    return EXIT_STOP;
}

enum exit_outcome exit_unlisted(struct vcpu *vcpu)
{
    uint32_t reason = (uint32_t)vmread(VMCS_EXIT_REASON);
    if (reason & EXIT_REASON_ENTRY_FAILURE)
        return vcpu_stop(vcpu, STOP_ENTRY_FAILED, vmread(VMCS_EXIT_QUALIFICATION),
                         exit_reason_name(reason));
    return exit_unhandled(vcpu);
}
