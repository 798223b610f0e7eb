/* SPDX-License-Identifier: MIT */
/* Exits of EPT whose address is a device's: the instruction is fetched, decoded and emulated. */
#ifndef EXITMETER_CORE_EXITS_MMIO_H
#define EXITMETER_CORE_EXITS_MMIO_H

#include "../vmx/dispatch.h"

/* Exit qualification of EPT violations, SDM Vol. 3C table 28-7. */
#define VIOLATION_READ    (1u << 0)
#define VIOLATION_WRITE   (1u << 1)
#define VIOLATION_FETCH   (1u << 2)
#define VIOLATION_ACCESS  7u        /* the three, in the order of enum ept_access */
#define VIOLATION_ALLOWED (7u << 3) /* what the entries allow: nothing, if not mapped */
#define VIOLATION_LINEAR  (1u << 7) /* the guest linear address is valid */
#define VIOLATION_FINAL   (1u << 8) /* it was translated to this; else a table is meant */

/*
 * Not the CPU's: the exit is none of EPT, and the VMCS has no guest linear address of it, but the
 * offset in the page is the operand's.
 */
#define VIOLATION_OFFSET_ALONE (1u << 31)

/*
 * Not the CPU's either: the exit is an EPT misconfiguration, of which the VMCS has the
 * guest-physical address and nothing else. What was accessed, and how, the instruction tells.
 */
#define VIOLATION_UNSAID (1u << 30)

/*
 * Completes the instruction that accessed physical, in range. RBP and R12 to R15 must be in struct
 * vcpu. Memory that the instruction accesses besides is reached as its CPU would. An instruction
 * that is not among those of mmio_decode.h stops the guest, with its bytes on the console.
 */
enum exit_outcome exit_mmio(struct vcpu *vcpu, const struct mmio_range *range, uint64_t physical,
                            uint64_t qualification);

#endif
