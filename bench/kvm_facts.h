/* SPDX-License-Identifier: MIT */
/* What KVM says of itself and of a job, for run.json: new references, all of them. */
#ifndef EXITMETER_BENCH_KVM_FACTS_H
#define EXITMETER_BENCH_KVM_FACTS_H

#include "kvm_job.h"
#include "monitor.h"

/*
 * The kernel's KVM: its modules and their parameters, capabilities, whether hardware helps it, the
 * TSC. pinned: the host CPUs of the vCPUs. plan: its policies, as far as they are in force.
 */
json_t *kvm_facts_json(int kvm, const int pinned[KVM_VCPUS_MAX], const struct plan_header *plan);

/* Of a job, and the exits that KVM counted. */
void kvm_facts_job(const struct kvm_job_facts *from, const struct plan_job *plan,
                   const struct kvm_perf *perf, struct monitor_job *to);

/*
 * Once all jobs have theirs: what of them is true of all figures, as "notes" of the facts. A KVM
 * that emulates even the controls' instructions, none of which exits, measures its emulator.
 */
void kvm_facts_notes(struct monitor *monitor);

/*
 * How far the TSC ran off its stated rate in so many ticks that took so many seconds of the host's
 * clock; why that is not known, where that clock is the TSC itself or no rate is stated.
 */
void kvm_facts_drift(struct monitor *monitor, uint64_t ticks, double seconds);

/* In a line: "Linux KVM 6.1.0 (kvm_intel)"; free() it. */
char *kvm_facts_name(void);

/* What of the CPU KVM can make use of: "VT-x", "AMD-V", or that there is neither. */
const char *kvm_facts_hardware(void);

#endif
