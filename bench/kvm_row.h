/* SPDX-License-Identifier: MIT */
/*
 * Whether a row can be measured under KVM, and a policy put in force there: what cannot is said,
 * never measured as if it could.
 */
#ifndef EXITMETER_BENCH_KVM_ROW_H
#define EXITMETER_BENCH_KVM_ROW_H

#include "kvm_machine.h"
#include "kvm_msr_filter.h"

#include <jansson.h>

/*
 * Why the row is not applicable under KVM, or not under this policy: what decides over its exits is
 * not KVM's to be told, or not as the policy says. NULL: it is.
 */
const char *kvm_row_not_applicable(const struct blob_row *row, const struct plan_policy *policy);

/* The same of so many samples a phase, of pages that are each touched once. */
const char *kvm_row_too_many(const struct blob_row *row, uint32_t samples);

/* What the row requires and the machine has not got; NULL: nothing. */
const char *kvm_row_lacks(const struct blob_row *row, const struct kvm_machine *machine);

/* What is in force of a policy, and what of it KVM cannot do: for run.json, a new object. */
json_t *kvm_policy_json(const struct plan_policy *policy);

#endif
