/* SPDX-License-Identifier: MIT */
/*
 * The bitmaps of a policy: setting ranges of them. A set bit makes the access exit.
 */
#ifndef EXITMETER_BENCH_POLICY_BITMAP_H
#define EXITMETER_BENCH_POLICY_BITMAP_H

#include "../guests/plan.h"

#include <stdbool.h>

/* The two ranges of MSRs that have bits: 0x0-0x1fff and 0xc0000000-0xc0001fff. */
#define MSR_RANGE_SIZE 0x2000u
#define MSR_HIGH_BASE  0xc0000000u

/* Whether the MSR has bits; one that has none exits under every policy. */
bool msr_has_bits(uint32_t msr);

/* Whether it exits under every policy, as core/vmx/msr_never_list.h has it. */
bool msr_never_passes(uint32_t msr);

/* Sets the bits of MSRs first to last, those that have none left out; or clears them, but for those
 * that never pass. */
void policy_set_msrs(struct plan_policy *policy, uint32_t first, uint32_t last, bool reads,
                     bool writes, bool intercept);

/* What is done with an access that exits, where the core does not keep the MSR for the guest. */
enum policy_answer {
    ANSWER_FORWARD, /* it goes to the hardware */
    ANSWER_EMULATE, /* an MSR reads as 0, a port as ones, writes go nowhere */
    ANSWER_REFUSE,  /* #GP; MSRs alone, and those too that the core keeps */
    POLICY_ANSWERS
};

/* Of MSRs first to last, those that have no bits left out; and of ports, not ANSWER_REFUSE. */
void policy_answer_msrs(struct plan_policy *policy, uint32_t first, uint32_t last,
                        enum policy_answer answer);
void policy_answer_ports(struct plan_policy *policy, uint16_t first, uint16_t last,
                         enum policy_answer answer);

/* Of one that has bits, and of a port. */
enum policy_answer policy_msr_answer(const struct plan_policy *policy, uint32_t msr);
enum policy_answer policy_port_answer(const struct plan_policy *policy, uint16_t port);

/* The last of the row, from one that has bits and from a port on, that the policy treats alike. */
uint32_t policy_msrs_alike(const struct plan_policy *policy, uint32_t msr);
uint32_t policy_ports_alike(const struct plan_policy *policy, uint16_t port);

/* Sets the bits of ports first to last. */
void policy_set_ports(struct plan_policy *policy, uint16_t first, uint16_t last, bool intercept);

/* Vectors that exit under every policy: NMI and #MC. */
#define EXCEPTIONS_THAT_ALWAYS_EXIT (1u << 2 | 1u << 18)
#define EXCEPTION_LAST              31u

/* The SDM's mnemonics, and their vectors. */
#define EXCEPTION_NAMES 20u
extern const char *const exception_names[EXCEPTION_NAMES];
extern const uint8_t exception_vectors[EXCEPTION_NAMES];

/* The mnemonic of a vector, or NULL. */
const char *exception_name(unsigned vector);

/* Sets the bits of exceptions first to last, those that always exit left out. */
void policy_set_exceptions(struct plan_policy *policy, unsigned first, unsigned last,
                           bool intercept);

#endif
