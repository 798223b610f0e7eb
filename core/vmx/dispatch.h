/* SPDX-License-Identifier: MIT */
/*
 * The dispatch table: one handler a basic exit reason. entry.S indexes it; nothing else decides who
 * handles an exit.
 */
#ifndef EXITMETER_CORE_VMX_DISPATCH_H
#define EXITMETER_CORE_VMX_DISPATCH_H

#include "exit_reason.h"
#include "vcpu.h"

enum exit_outcome {
    EXIT_RESUME = 0,     /* enter the guest again */
    EXIT_STOP = 1,       /* return to the caller; vcpu->stop says why */
    EXIT_EVENTS = 2,     /* enter the guest again, once event_prepare() has seen what to inject */
    EXIT_UNFINISHED = 3, /* not for entry.S: between the two of FULL_REGISTERS_AFTER() only */
};

/*
 * Runs in VMX root operation with interrupts off, on the vCPU's own stack, the VMCS current. May
 * change the frame, the VMCS and vcpu->stop. RBP and R12 to R15 of the guest are out of its reach.
 */
typedef enum exit_outcome exit_handler(struct vcpu *vcpu);

/*
 * No entry is NULL; the last, at EXIT_REASONS, is exit_unlisted. The other tables are the same
 * handlers compiled for a probe level (probes/count.h).
 */
extern exit_handler *const exit_handlers[EXIT_REASONS + 1];
extern exit_handler *const exit_handlers_counting[EXIT_REASONS + 1];
extern exit_handler *const exit_handlers_totalling[EXIT_REASONS + 1];

_Static_assert(EXIT_REASONS < PROBE_REASONS, "each has a place in struct probe_totals");

/* For reasons behind the table: unknown numbers, and VM entries that failed on guest state. */
exit_handler exit_unlisted;

/* The handlers, each in core/exits/ under its own name. */
exit_handler exit_cpuid;
exit_handler exit_hlt;
exit_handler exit_io;
exit_handler exit_rdmsr;
exit_handler exit_wrmsr;
exit_handler exit_unhandled;
exit_handler exit_vmcall;

exit_handler exit_cr;
exit_handler exit_mov_dr;
exit_handler exit_xsetbv;
exit_handler exit_invlpg;
exit_handler exit_invpcid;
exit_handler exit_monitor;
exit_handler exit_mwait;
exit_handler exit_pause;
exit_handler exit_rdpmc;
exit_handler exit_rdrand;
exit_handler exit_rdseed;
exit_handler exit_rdtsc;
exit_handler exit_rdtscp;
exit_handler exit_undefined; /* #UD */
exit_handler exit_user_wait; /* UMWAIT, TPAUSE */
exit_handler exit_wbinvd;    /* ... and INVD */

exit_handler exit_gdtr_or_idtr; /* SGDT, SIDT, LGDT, LIDT */
exit_handler exit_ldtr_or_tr;   /* SLDT, STR, LLDT, LTR */

exit_handler exit_apic_access;
exit_handler exit_apic_write;
exit_handler exit_virtualized_eoi;
exit_handler exit_ept_violation;       /* of memory on demand; all others are unfinished */
exit_handler exit_ept_violation_other; /* ... and for those */
exit_handler exit_ept_misconfiguration;

exit_handler exit_exception_or_nmi;
exit_handler exit_external_interrupt;
exit_handler exit_init_signal;
exit_handler exit_monitor_trap_flag;
exit_handler exit_page_modification_log_full;
exit_handler exit_startup_ipi;
exit_handler exit_task_switch;
exit_handler exit_tpr_below_threshold;
exit_handler exit_triple_fault;
exit_handler exit_preemption_timer;
exit_handler exit_window;

/* Fills vcpu->stop from the current exit; for handlers to return. */
enum exit_outcome vcpu_stop(struct vcpu *vcpu, enum stop_cause cause, uint64_t value,
                            const char *text);

#endif
