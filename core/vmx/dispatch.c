/* SPDX-License-Identifier: MIT */
#include "dispatch.h"

#include "full_registers.h"

FULL_REGISTERS(exit_apic_access)
FULL_REGISTERS(exit_cr)
FULL_REGISTERS_AFTER(exit_ept_violation, exit_ept_violation_other)
FULL_REGISTERS(exit_ept_misconfiguration)
FULL_REGISTERS(exit_gdtr_or_idtr)
FULL_REGISTERS(exit_invpcid)
FULL_REGISTERS(exit_ldtr_or_tr)
FULL_REGISTERS(exit_mov_dr)
FULL_REGISTERS(exit_rdrand)
FULL_REGISTERS(exit_rdseed)
FULL_REGISTERS(exit_user_wait)

/*
 * Reasons without a line of their own stop the guest, by name. Among them are XSAVES and XRSTORS,
 * which exit under a control only, and of which an emulation would have to write to the guest's
 * memory.
 */
#pragma GCC diagnostic push
#ifdef __clang__
#pragma GCC diagnostic ignored "-Winitializer-overrides"
#else
#pragma GCC diagnostic ignored "-Woverride-init"
#endif
exit_handler *const exit_handlers[EXIT_REASONS + 1] = {
    [0 ... EXIT_REASONS - 1] = exit_unhandled,
    [EXIT_REASONS] = exit_unlisted,
    [EXIT_REASON_EXCEPTION_OR_NMI] = exit_exception_or_nmi,
    [EXIT_REASON_EXTERNAL_INTERRUPT] = exit_external_interrupt,
    [EXIT_REASON_TRIPLE_FAULT] = exit_triple_fault,
    [EXIT_REASON_INIT_SIGNAL] = exit_init_signal,
    [EXIT_REASON_STARTUP_IPI] = exit_startup_ipi,
    [EXIT_REASON_INTERRUPT_WINDOW] = exit_window,
    [EXIT_REASON_NMI_WINDOW] = exit_window,
    [EXIT_REASON_TASK_SWITCH] = exit_task_switch,
    [EXIT_REASON_MONITOR_TRAP_FLAG] = exit_monitor_trap_flag,
    [EXIT_REASON_PAGE_MODIFICATION_LOG_FULL] = exit_page_modification_log_full,
    [EXIT_REASON_CPUID] = exit_cpuid,
    [EXIT_REASON_HLT] = exit_hlt,
    [EXIT_REASON_VMCALL] = exit_vmcall,
    [EXIT_REASON_IO] = exit_io,
    [EXIT_REASON_RDMSR] = exit_rdmsr,
    [EXIT_REASON_WRMSR] = exit_wrmsr,
    [EXIT_REASON_PREEMPTION_TIMER] = exit_preemption_timer,
    [EXIT_REASON_EPT_VIOLATION] = full_exit_ept_violation_other,
    [EXIT_REASON_EPT_MISCONFIGURATION] = full_exit_ept_misconfiguration,

    [EXIT_REASON_TPR_BELOW_THRESHOLD] = exit_tpr_below_threshold,
    [EXIT_REASON_APIC_ACCESS] = full_exit_apic_access,
    [EXIT_REASON_VIRTUALIZED_EOI] = exit_virtualized_eoi,
    [EXIT_REASON_APIC_WRITE] = exit_apic_write,

    [EXIT_REASON_CR_ACCESS] = full_exit_cr,
    [EXIT_REASON_MOV_DR] = full_exit_mov_dr,
    [EXIT_REASON_GDTR_OR_IDTR] = full_exit_gdtr_or_idtr,
    [EXIT_REASON_LDTR_OR_TR] = full_exit_ldtr_or_tr,
    [EXIT_REASON_XSETBV] = exit_xsetbv,
    [EXIT_REASON_INVD] = exit_wbinvd,
    [EXIT_REASON_WBINVD] = exit_wbinvd,
    [EXIT_REASON_INVLPG] = exit_invlpg,
    [EXIT_REASON_INVPCID] = full_exit_invpcid,
    [EXIT_REASON_RDTSC] = exit_rdtsc,
    [EXIT_REASON_RDTSCP] = exit_rdtscp,
    [EXIT_REASON_RDPMC] = exit_rdpmc,
    [EXIT_REASON_RDRAND] = full_exit_rdrand,
    [EXIT_REASON_RDSEED] = full_exit_rdseed,
    [EXIT_REASON_PAUSE] = exit_pause,
    [EXIT_REASON_MONITOR] = exit_monitor,
    [EXIT_REASON_MWAIT] = exit_mwait,
    [EXIT_REASON_UMWAIT] = full_exit_user_wait,
    [EXIT_REASON_TPAUSE] = full_exit_user_wait,

    /* The guest has none of these: CPUID and CR4 do not show them, or no control enables them. */
    [EXIT_REASON_GETSEC] = exit_undefined,
    [EXIT_REASON_RSM] = exit_undefined,
    [EXIT_REASON_VMCLEAR... EXIT_REASON_VMXON] = exit_undefined,
    [EXIT_REASON_INVEPT] = exit_undefined,
    [EXIT_REASON_INVVPID] = exit_undefined,
    [EXIT_REASON_VMFUNC] = exit_undefined,
    [EXIT_REASON_ENCLS] = exit_undefined,
    [EXIT_REASON_ENCLV] = exit_undefined,
    [EXIT_REASON_PCONFIG] = exit_undefined,
    [EXIT_REASON_LOADIWKEY] = exit_undefined,
    [EXIT_REASON_SEAMCALL] = exit_undefined,
    [EXIT_REASON_TDCALL] = exit_undefined,
    [EXIT_REASON_RDMSRLIST] = exit_undefined,
    [EXIT_REASON_WRMSRLIST] = exit_undefined,
};
#pragma GCC diagnostic pop
