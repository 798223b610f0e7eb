/* SPDX-License-Identifier: MIT */
/* CPUID as a guest of KVM's sees it: what KVM supports, less what the policy hides. */
#ifndef EXITMETER_BENCH_KVM_CPUID_H
#define EXITMETER_BENCH_KVM_CPUID_H

#include "../guests/plan.h"

#include <linux/kvm.h>

/* NULL and *cpuid, or why not, in words; free() either. */
char *kvm_cpuid_make(int kvm, const struct plan_policy *policy, struct kvm_cpuid2 **cpuid);

/* Clears what the policy hides. */
void kvm_cpuid_hide(struct kvm_cpuid2 *cpuid, const struct plan_policy *policy);

/* The vCPU's local APIC id, wherever a leaf has it. */
void kvm_cpuid_set_id(struct kvm_cpuid2 *cpuid, uint32_t id);

#endif
