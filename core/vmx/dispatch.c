/* SPDX-License-Identifier: MIT */
#include "dispatch.h"

/* Reasons without a line of their own stop the guest, by name. */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
exit_handler *const exit_handlers[EXIT_REASONS + 1] = {
    [0 ... EXIT_REASONS - 1] = exit_unhandled,
    [EXIT_REASONS] = exit_unlisted,
    [EXIT_REASON_EXTERNAL_INTERRUPT] = exit_external_interrupt,
    [EXIT_REASON_INTERRUPT_WINDOW] = exit_window,
    [EXIT_REASON_NMI_WINDOW] = exit_window,
    [EXIT_REASON_CPUID] = exit_cpuid,
    [EXIT_REASON_HLT] = exit_hlt,
    [EXIT_REASON_VMCALL] = exit_vmcall,
    [EXIT_REASON_IO] = exit_io,
    [EXIT_REASON_RDMSR] = exit_rdmsr,
    [EXIT_REASON_WRMSR] = exit_wrmsr,
    [EXIT_REASON_PREEMPTION_TIMER] = exit_preemption_timer,
};
#pragma GCC diagnostic pop
