/* SPDX-License-Identifier: MIT */
/*
 * The VM-execution controls that a policy may name, from the core's list of them: every one that
 * makes something exit, by its SDM name in lower case ("MOV-DR exiting" is mov-dr-exiting), and
 * rdtscp, invpcid, vpid and unrestricted-guest, and the forms of APIC virtualization. Not those
 * that need memory or fields to go with them, which no policy can give.
 *
 * The core has a local APIC of its own for the guest, and the CPU has one. A guest has the CPU's as
 * soon as any access to it passes (MSRs 0x1b, 0x6e0, 0x800-0x83f; but for what is virtualized),
 * and then those that exit are forwarded to it; CR8, which is the TPR, follows whichever it has.
 */
#ifndef EXITMETER_BENCH_POLICY_CONTROL_H
#define EXITMETER_BENCH_POLICY_CONTROL_H

#include "../guests/plan.h"

/* Names, in the list's order. They stay. */
const char *const *policy_control_names(size_t *count);

enum policy_control_state {
    POLICY_CONTROL_OFF,
    POLICY_CONTROL_ON,
    POLICY_CONTROL_WHERE_OFFERED, /* on, if the CPU offers it */
    POLICY_CONTROL_STATES
};

/* Its state; POLICY_CONTROL_STATES if the policy says nothing of it. */
enum policy_control_state policy_control_get(const struct plan_policy *policy, size_t index);

/* Puts the control of that index into that state. */
void policy_control_set(struct plan_policy *policy, size_t index, enum policy_control_state state);

#endif
