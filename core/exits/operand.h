/* SPDX-License-Identifier: MIT */
/*
 * The memory operand of an instruction that exited, from the VM-exit instruction information and
 * the displacement in the exit qualification (SDM Vol. 3C 28.2.1 and table 28-9, whose bits 27:0
 * the other tables share). For handlers that stand in the table through FULL_REGISTERS().
 */
#ifndef EXITMETER_CORE_EXITS_OPERAND_H
#define EXITMETER_CORE_EXITS_OPERAND_H

#include "../vmx/event.h"
#include "../vmx/walk.h"

/* Bits 31:28: a second operand, in a register. */
#define OPERAND_REGISTER_2(information) ((unsigned)(information) >> 28 & 0xf)

/*
 * Reads size bytes of the operand into buffer. If it cannot, false, and *outcome is what the
 * handler returns: a fault injected, or the guest stopped with the text if EPT keeps the memory
 * from it.
 */
bool operand_read(struct vcpu *vcpu, uint64_t information, void *buffer, size_t size,
                  const char *text, enum exit_outcome *outcome);

/* Writes it likewise: a word, or 6 or 10 bytes of a limit and the base behind it. */
bool operand_write(struct vcpu *vcpu, uint64_t information, const void *buffer, size_t size,
                   const char *text, enum exit_outcome *outcome);

/*
 * What comes of an access to guest memory: true if it was made. Else false and *outcome, as above,
 * with the vector for an address that is not canonical.
 */
bool operand_reached(struct vcpu *vcpu, enum guest_reached reached, const struct guest_fault *fault,
                     enum exception_vector vector, const char *text, enum exit_outcome *outcome);

#endif
