/* SPDX-License-Identifier: MIT */
/*
 * The guest's general-purpose registers by number, as instructions encode them: for handlers that
 * learn from an exit qualification which register is meant. Such a handler stands in the dispatch
 * table through its full_ entry (entry.S), which brings RBP and R12 to R15 into struct vcpu and
 * back.
 */
#ifndef EXITMETER_CORE_VMX_REGISTERS_H
#define EXITMETER_CORE_VMX_REGISTERS_H

#include "vcpu.h"

#define REGISTER_RSP 4u

/* The register operand in a VM-exit instruction information, SDM Vol. 3C table 28-12. */
#define INFO_REGISTER(information) ((unsigned)(information) >> 3 & 0xf)

/* Number 0 to 15: RAX RCX RDX RBX RSP RBP RSI RDI R8-R15. */
uint64_t vcpu_register(const struct vcpu *vcpu, unsigned number);
void vcpu_set_register(struct vcpu *vcpu, unsigned number, uint64_t value);

#endif
