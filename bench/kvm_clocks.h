/* SPDX-License-Identifier: MIT */
/*
 * IA32_APERF, IA32_MPERF and MSR_SMI_COUNT as far as the kernel counts them for a thread: its PMU
 * "msr", by perf_event_open(). disturbance_read() of core/vmx/disturbance.h, which the harness
 * takes from here, reads what this has opened.
 */
#ifndef EXITMETER_BENCH_KVM_CLOCKS_H
#define EXITMETER_BENCH_KVM_CLOCKS_H

#include "../guests/validity.h"

/* For this thread, from now on; what the kernel does not offer stays absent. */
void kvm_clocks_open(void);

/* Of a judged validity: says by what means its clocks and SMIs were looked for, where absent. */
void kvm_clocks_explain(struct job_validity *validity);

#endif
