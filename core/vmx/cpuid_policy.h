/* SPDX-License-Identifier: MIT */
/*
 * What a guest sees of CPUID: the CPU's own answer, but for what the core must change of it, and
 * for what the policy hides. Hiding takes a bit from the answer, not the feature from the CPU: a
 * guest that uses it unasked finds it there, unless a control or an intercept takes it away too.
 */
#ifndef EXITMETER_CORE_VMX_CPUID_POLICY_H
#define EXITMETER_CORE_VMX_CPUID_POLICY_H

#include "../x86/cpuid.h"

#include <stdbool.h>
#include <stdint.h>

#define CPUID_HIDDEN_MAX  16u
#define CPUID_ANY_SUBLEAF UINT32_MAX

/* Bits of one output register that are 0 for the guest. */
struct cpuid_hidden {
    uint32_t leaf;
    uint32_t subleaf; /* CPUID_ANY_SUBLEAF: of every one */
    uint32_t output;  /* 0 to 3: EAX, EBX, ECX, EDX */
    uint32_t bits;    /* 0: this entry hides nothing */
};

struct cpuid_policy {
    /* Which leaves the handler looks at twice: those below 32 by number, all others by bits 31:28.
     */
    uint32_t leaves;
    uint32_t ranges;
    struct cpuid_hidden hidden[CPUID_HIDDEN_MAX];
};

/* Takes CPUID_HIDDEN_MAX entries over, of which those with an output above 3 hide nothing. */
void cpuid_policy_set(struct cpuid_policy *policy, const struct cpuid_hidden *hidden);

/*
 * The leaf that the CPU answers for: behind the last basic or extended one it is the last basic
 * one, with its own subleaves (SDM Vol. 2A, CPUID).
 */
uint32_t cpuid_answered_leaf(uint32_t leaf);

/* Takes from an answer for that leaf what is hidden of it. */
void cpuid_hide(const struct cpuid_policy *policy, uint32_t leaf, uint32_t subleaf,
                struct cpuid_registers *registers);

#endif
