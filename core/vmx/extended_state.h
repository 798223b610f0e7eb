/* SPDX-License-Identifier: MIT */
/*
 * XCR0, one a CPU, and each guest has its own. The host's code touches no extended state, so it has
 * no need of its XCR0 while it runs: no VM exit or entry switches it. It stays the one of the vCPU
 * that ran last, and whoever needs another says so: vcpu_run() for its vCPU, and a caller of
 * vcpu_run() that uses extended state itself, with its own value, before it goes on.
 */
#ifndef EXITMETER_CORE_VMX_EXTENDED_STATE_H
#define EXITMETER_CORE_VMX_EXTENDED_STATE_H

#include "capability.h"

#define XCR0_RESET 1ull /* x87 alone */

/* Makes XCR0 the value: an XGETBV, and an XSETBV if it was another. Nothing on a CPU without it. */
void extended_state_use(const struct vmx_capability *capability, uint64_t xcr0);

#endif
