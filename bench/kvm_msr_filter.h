/* SPDX-License-Identifier: MIT */
/*
 * A policy's MSR bitmap as a filter for KVM_X86_SET_MSR_FILTER: what the bitmap has exit, the
 * filter denies, and KVM leaves to userspace. The other way round it does not go: what the bitmap
 * lets pass, KVM handles as it does by itself, which may be an exit too.
 */
#ifndef EXITMETER_BENCH_KVM_MSR_FILTER_H
#define EXITMETER_BENCH_KVM_MSR_FILTER_H

#include "../guests/plan.h"

#include <linux/kvm.h>
#include <stdbool.h>

/* KVM's documentation: accesses to these are never filtered. */
#define KVM_UNFILTERED_FIRST 0x800u
#define KVM_UNFILTERED_LAST  0x8ffu

/* The name of the policy that is KVM's own: nothing is filtered, and it decides what exits. */
#define KVM_OWN_POLICY "kvm"

#define KVM_FILTER_RANGES 4u /* reads low, reads high, writes low, writes high */

struct kvm_filter {
    struct kvm_msr_filter filter; /* points into bitmaps: do not copy */
    uint8_t bitmaps[KVM_FILTER_RANGES][1024];
    unsigned reads, writes; /* MSRs denied, those that KVM never filters left out */
};

/*
 * Fills it in. False if the policy is KVM's own, or has nothing exit that a filter can: none is
 * needed then. Some MSRs pass under no policy (policy_bitmap.h): those are filtered under any
 * other.
 */
bool kvm_filter_make(const struct plan_policy *policy, struct kvm_filter *filter);

#endif
