/* SPDX-License-Identifier: MIT */
/*
 * Constants that assembly shares with C. Never linked: the build compiles this to assembly and
 * turns each marked line into a #define of offsets.h.
 */
#include "dispatch.h"
#include "exit_reason.h"
#include "vcpu.h"
#include "vmcs_field.h"

#include "../../probes/probe_cpu.h"

#define OFFSET(symbol, value) __asm__ volatile("\n.ascii \"->" #symbol " %c0\"" : : "i"(value))

void offsets(void);
void offsets(void)
{
    OFFSET(VCPU_RBP, offsetof(struct vcpu, rbp));
    OFFSET(VCPU_R12, offsetof(struct vcpu, r12));
    OFFSET(VCPU_R13, offsetof(struct vcpu, r13));
    OFFSET(VCPU_R14, offsetof(struct vcpu, r14));
    OFFSET(VCPU_R15, offsetof(struct vcpu, r15));
    OFFSET(VCPU_CALLER_RSP, offsetof(struct vcpu, caller_rsp));
    OFFSET(VCPU_LAUNCHED, offsetof(struct vcpu, launched));
    OFFSET(VCPU_HARDWARE_STAMP, offsetof(struct vcpu, hardware_stamp.value));
    OFFSET(VCPU_FRAME_END, VCPU_FRAME_END);
    OFFSET(RECORD_ENTERED, offsetof(struct record, entered));
    OFFSET(RECORD_REASON, offsetof(struct record, reason));
    OFFSET(RECORD_FLAGS, offsetof(struct record, flags));
    OFFSET(RECORD_DISPATCHED, offsetof(struct record, dispatched));
    OFFSET(RECORD_HANDLED, offsetof(struct record, handled));
    OFFSET(RECORD_ENTERING, offsetof(struct record, entering));
    OFFSET(RECORD_COUNTS, offsetof(struct record, vmreads));
    OFFSET(RECORD_SIZE, sizeof(struct record));
    OFFSET(WIDE_EXITED, offsetof(struct wide_record, exited));
    OFFSET(WIDE_GUEST, offsetof(struct wide_record, guest_0));
    OFFSET(WIDE_HOST_ENTERED, offsetof(struct wide_record, entered_0));
    OFFSET(WIDE_HOST_DISPATCHED, offsetof(struct wide_record, dispatched_0));
    OFFSET(WIDE_HOST_HANDLED, offsetof(struct wide_record, handled_0));
    OFFSET(WIDE_HOST_ENTERING, offsetof(struct wide_record, entering_0));
    OFFSET(WIDE_RECORD_SIZE, sizeof(struct wide_record));
    OFFSET(RECORD_HAS_COUNTS, RECORD_HAS_COUNTS);
    OFFSET(RECORD_HAS_EXITED, RECORD_HAS_EXITED);
    OFFSET(RECORD_HAS_COUNTERS, RECORD_HAS_COUNTERS);
    OFFSET(RECORD_LEFT, RECORD_LEFT);
    OFFSET(PROBE_CPU_NEXT, offsetof(struct probe_cpu, next));
    OFFSET(PROBE_CPU_END, offsetof(struct probe_cpu, end));
    OFFSET(PROBE_CPU_COUNTS, offsetof(struct probe_cpu, counts));
    OFFSET(PROBE_CPU_DISCARDED, offsetof(struct probe_cpu, discarded));
    OFFSET(PROBE_CPU_FULL, offsetof(struct probe_cpu, full));
    OFFSET(PROBE_CPU_EXITS, offsetof(struct probe_cpu, totals.exits));
    OFFSET(PROBE_CPU_EXITS_OTHER, offsetof(struct probe_cpu, totals.exits[PROBE_REASONS - 1]));
    OFFSET(PROBE_CPU_HOST_EVENTS, offsetof(struct probe_cpu, host_events));
    OFFSET(PROBE_CPU_GUEST_EVENTS, offsetof(struct probe_cpu, guest_events));
    OFFSET(EXIT_REASONS, EXIT_REASONS);
    OFFSET(EXIT_EVENTS, EXIT_EVENTS);
    OFFSET(VMCS_EXIT_REASON, VMCS_EXIT_REASON);
    OFFSET(VMCS_GUEST_RIP, VMCS_GUEST_RIP);
}
