/* SPDX-License-Identifier: MIT */
/*
 * The masks of CR0 and CR4 of a policy, a bit a bit of the register: what show, diff and audit say
 * of them.
 */
#ifndef EXITMETER_BENCH_POLICY_REGISTER_H
#define EXITMETER_BENCH_POLICY_REGISTER_H

#include "../guests/plan.h"

#include <stdbool.h>

enum policy_register { REGISTER_CR0, REGISTER_CR4, POLICY_REGISTERS };

/* "cr0", "cr4": as rules have it. */
extern const char *const register_names[POLICY_REGISTERS];

/* Bits whose change exits as the policy has it. */
uint32_t policy_register_mask(const struct plan_policy *policy, enum policy_register of);

/*
 * Bits whose change exits under every policy: the vCPU keeps NE, CD and NW, and VMXE and SMXE, for
 * the guest. PE and PG are not among them, which an unrestricted guest changes without an exit.
 */
uint32_t register_always_exits(enum policy_register of);

/* The SDM's name of a bit below 32 (Vol. 3A 2.5), or NULL. */
const char *register_bit_name(enum policy_register of, unsigned bit);

/* The next bits in a row that are set, *first being where to look from; false if there is none. */
bool bits_in_a_row(uint32_t bits, unsigned *first, unsigned *last);

#endif
