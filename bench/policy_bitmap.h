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

/* Sets the bits of MSRs first to last, those that have none left out. */
void policy_set_msrs(struct plan_policy *policy, uint32_t first, uint32_t last, bool reads,
                     bool writes, bool intercept);

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
