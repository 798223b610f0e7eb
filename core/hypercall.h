/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls: VMCALL at CPL 0 with the number in RAX, arguments in RDI RSI RDX RCX R8 R9, the
 * result in RAX.
 */
#ifndef EXITMETER_CORE_HYPERCALL_H
#define EXITMETER_CORE_HYPERCALL_H

#define HYPERCALL_NOP        0u /* result 0; allowed at any CPL */
#define HYPERCALL_PHASE_DONE 1u /* the guest has completed what it was started for */
#define HYPERCALL_FAILED     2u /* RDI: a code of the guest's, or 0x100 + vector of an exception */

/* Results of calls that are refused, as errno would have them. */
#define HYPERCALL_UNKNOWN      ((uint64_t)-38)
#define HYPERCALL_UNPRIVILEGED ((uint64_t)-1)

#endif
