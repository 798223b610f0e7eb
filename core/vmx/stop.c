/* SPDX-License-Identifier: MIT */
#include "stop.h"

static const char *const names[STOP_CAUSES] = {
    [STOP_NONE] = "not stopped",
    [STOP_PHASE_DONE] = "phase done",
    [STOP_GUEST_FAILED] = "the guest reported a failure",
    [STOP_HALTED] = "halted with nothing pending",
    [STOP_INIT] = "waits for a SIPI",
    [STOP_TIME_LIMIT] = "the guest used up its time",
    [STOP_UNHANDLED] = "VM exit without a handler",
    [STOP_MEMORY] = "the guest accessed memory that it does not have",
    [STOP_MMIO] = "access to a device that cannot be emulated",
    [STOP_EPT_ENTRY] = "EPT misconfiguration",
    [STOP_ENTRY_INVALID] = "VM entry: VMfailInvalid",
    [STOP_ENTRY_VALID] = "VM entry: VMfailValid",
    [STOP_ENTRY_FAILED] = "VM entry failed on guest state",
    [STOP_CONTROL_REFUSED] = "control not available on this CPU",
    [STOP_START_REFUSED] = "start not possible",
    [STOP_VMCS_REFUSED] = "VMCS access failed",
    [STOP_BOUND_ELSEWHERE] = "the vCPU is bound to another CPU",
    [STOP_KICKED] = "stopped by another CPU",
    [STOP_CPU_REFUSED] = "this CPU cannot take the guest's registers",
    [STOP_TRIPLE_FAULT] = "triple fault",
    [STOP_INIT_SIGNAL] = "INIT signal",
    [STOP_STARTUP_IPI] = "start-up IPI",
    [STOP_TASK_SWITCH] = "task switch",
    [STOP_SINGLE_STEP] = "single step",
    [STOP_MACHINE_CHECK] = "machine check while the guest ran",
    [STOP_LOG_FULL] = "page-modification log full",
};

const char *stop_cause_name(enum stop_cause cause)
{
    return (unsigned)cause < STOP_CAUSES && names[cause] ? names[cause] : "unknown cause";
}
