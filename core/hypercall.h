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
/*
 * RDI: VM-entry interruption information (SDM Vol. 3C table 25-17) of an event that the guest gets
 * behind the VMCALL: an external interrupt of vector 32 to 255, taken when RFLAGS.IF and priorities
 * of the core's own let it; or a hardware exception, one of #DE, #UD, #NM, #TS, #NP, #SS, #GP and
 * #AC, with error code 0 where it has one. Bit 31 clear: nothing. Result 0. For measuring what an
 * injection costs; a guest can do the same to itself by other means.
 */
#define HYPERCALL_INJECT 16u

/*
 * VM exits on request, for guests that measure what no instruction of theirs brings about. The
 * exit comes with the VM entry that completes the call, ends in the core, and leaves nothing
 * behind: result 0. HYPERCALL_UNSUPPORTED where the controls in force, or a local APIC that is the
 * guest's, do not allow it.
 */
#define HYPERCALL_NMI       3u /* an NMI for the guest; while NMIs are blocked, an NMI window */
#define HYPERCALL_STEP      4u /* monitor trap flag: after the next instruction */
#define HYPERCALL_EXPIRE    5u /* VMX-preemption timer, at once; the guest's time limit is kept */
#define HYPERCALL_INTERRUPT 6u /* an external interrupt of the host's own, at once */

/* Results of calls that are refused, as errno would have them. */
#define HYPERCALL_UNKNOWN      ((uint64_t)-38)
#define HYPERCALL_UNPRIVILEGED ((uint64_t)-1)
#define HYPERCALL_INVALID      ((uint64_t)-22)
#define HYPERCALL_UNSUPPORTED  ((uint64_t)-95)

#endif
