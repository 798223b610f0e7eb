/* SPDX-License-Identifier: MIT */
/* Why a vCPU returned to its caller. Every VM exit that is not resumed ends in one of these. */
#ifndef EXITMETER_CORE_VMX_STOP_H
#define EXITMETER_CORE_VMX_STOP_H

#include <stdint.h>

enum stop_cause {
    STOP_NONE = 0,
    STOP_PHASE_DONE,      /* hypercall: the guest has completed what it was asked */
    STOP_GUEST_FAILED,    /* hypercall: the guest gave up, code in value */
    STOP_HALTED,          /* HLT with nothing pending that could wake it */
    STOP_INIT,            /* an INIT of another vCPU: to be run again until a SIPI comes */
    STOP_TIME_LIMIT,      /* the guest has used up the time it was given */
    STOP_UNHANDLED,       /* an exit with no handler for it; text says what exactly */
    STOP_MEMORY,          /* EPT violation at the guest-physical address in value; text says how */
    STOP_MMIO,            /* access to a device at that address that cannot be emulated: text */
    STOP_EPT_ENTRY,       /* EPT misconfiguration by the entry in value; text: level and why */
    STOP_ENTRY_INVALID,   /* VM entry: VMfailInvalid */
    STOP_ENTRY_VALID,     /* VM entry: VMfailValid, VM-instruction error in value */
    STOP_ENTRY_FAILED,    /* VM entry: failed loading guest state (exit reason bit 31) */
    STOP_CONTROL_REFUSED, /* not entered: this CPU lacks a control; text and value name it */
    STOP_START_REFUSED, /* not entered: a start that the controls in force do not allow; in text */
    STOP_VMCS_REFUSED,  /* an access failed: text names field (value) or instruction; log: why */
    STOP_BOUND_ELSEWHERE, /* not entered: bound to another CPU */
    STOP_KICKED,          /* vcpu_kick(); the guest can go on */
    STOP_CPU_REFUSED,   /* not entered: the CPU cannot take the guest's registers; text says why */
    STOP_TRIPLE_FAULT,  /* value is the vector of the last exception where the core saw it */
    STOP_INIT_SIGNAL,   /* an INIT signal to the CPU itself */
    STOP_STARTUP_IPI,   /* a SIPI: to be started in real mode at value << 12, and run again */
    STOP_TASK_SWITCH,   /* value is the selector of the new task's TSS; text the source */
    STOP_SINGLE_STEP,   /* monitor trap flag: one instruction is done; value is RIP */
    STOP_MACHINE_CHECK, /* #MC while the guest ran; the error is in the CPU's banks */
    STOP_LOG_FULL,      /* the page-modification log is to be emptied, its index reset */
    STOP_CAUSES
};

struct vcpu_stop {
    enum stop_cause cause;
    uint32_t exit_reason; /* VMCS field, whole; of the exit that stopped the guest */
    uint64_t value;       /* by cause, see above */
    const char *text;     /* a static string, or NULL */
};

/* In words; never NULL. */
const char *stop_cause_name(enum stop_cause cause);

#endif
