/* SPDX-License-Identifier: MIT */
/*
 * The memory operand of an instruction that exited, from the VM-exit instruction information and
 * the displacement in the exit qualification (SDM Vol. 3C 28.2.1 and table 28-9, whose bits 27:0
 * the other tables share). For handlers that stand in the table through FULL_REGISTERS().
 */
#ifndef EXITMETER_CORE_EXITS_OPERAND_H
#define EXITMETER_CORE_EXITS_OPERAND_H

#include "../vmx/event.h"

/* Bits 31:28: a second operand, in a register. */
#define OPERAND_REGISTER_2(information) ((unsigned)(information) >> 28 & 0xf)

/*
 * Reads size bytes of the operand into buffer. If it cannot, false, and *outcome is what the
 * handler returns: a fault injected, or the guest stopped with the text if EPT keeps the memory
 * from it.
 */
bool operand_read(struct vcpu *vcpu, uint64_t information, void *buffer, size_t size,
                  const char *text, enum exit_outcome *outcome);

#endif
