/* SPDX-License-Identifier: MIT */
/*
 * Extended state: x87, SSE, AVX and whatever else XCR0 and IA32_XSS name (SDM Vol. 1 chapter 13),
 * in an area in memory, and in this CPU. resident_state.h says whose it is and when it moves.
 *
 * It moves whole, with every component that the CPU has: what a component holds outlives its bit in
 * XCR0, and so would be found by the next guest that sets it. XCR0 must have all its bits then,
 * IA32_XSS the capability's, IA32_XFD none; CR0.TS and CR0.EM must be clear, CR4.OSXSAVE set
 * (without XSAVE: CR4.OSFXSR).
 */
#ifndef EXITMETER_CORE_VMX_EXTENDED_STATE_H
#define EXITMETER_CORE_VMX_EXTENDED_STATE_H

#include "capability.h"

#define XCR0_RESET 1ull /* x87 alone */

/* Makes XCR0 the value: an XGETBV, and an XSETBV if it was another. Nothing on a CPU without it. */
void extended_state_use(const struct vmx_capability *capability, uint64_t xcr0);

/* An area as extended_state_reset() leaves it; NULL if there is no memory. The caller owns it. */
void *extended_state_create(const struct vmx_capability *capability);

/* Gives it back; NULL is allowed. */
void extended_state_destroy(const struct vmx_capability *capability, void *area);

/* Every component as after RESET, x87 and SSE with their exceptions masked. */
void extended_state_reset(const struct vmx_capability *capability, void *area);

/*
 * By XSAVES if there are supervisor components, else by XSAVEOPT, XSAVE or FXSAVE, whichever the
 * CPU has first; and back. Nothing but these writes to an area, so that loading one cannot fault.
 */
void extended_state_save(const struct vmx_capability *capability, void *area);
void extended_state_load(const struct vmx_capability *capability, void *area);

/*
 * Before the first save to an area that was never loaded: XSAVEOPT and XSAVES leave out what has
 * not changed since a load from the same address, whatever else has lain there in between.
 */
void extended_state_forget(const struct vmx_capability *capability);

#endif
