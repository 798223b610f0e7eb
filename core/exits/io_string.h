/* SPDX-License-Identifier: MIT */
/* INS and OUTS, for exit_io(): out of line, so that IN and OUT stay short. */
#ifndef EXITMETER_CORE_EXITS_IO_STRING_H
#define EXITMETER_CORE_EXITS_IO_STRING_H

#include "../vmx/dispatch.h"

/* Exit qualification of I/O instructions, SDM Vol. 3C table 28-5: [2:0] size - 1, [31:16] port. */
#define IO_SIZE   7u
#define IO_IN     (1u << 3)
#define IO_STRING (1u << 4)
#define IO_REP    (1u << 5)

/* What a guest is stopped with if a handler refuses its access. */
#define IO_REFUSED "I/O port that refuses the access"

static inline bool io_size_is_defined(uint64_t qualification)
{
    uint64_t size = qualification & IO_SIZE;
    return size <= 1 || size == 3;
}

/*
 * Elements that one exit moves at most. The rest of a REP is done in further exits of the same
 * instruction, so that interrupts get their turn in between, as they do on the CPU.
 */
#define IO_STRING_MOST 1024u

/*
 * An INS or OUTS with that exit qualification: what the CPU would have done with ports, memory,
 * RCX, RSI and RDI, faults included, with the accesses of the port by whoever has it (ports.h). One
 * that is refused stops the guest with the elements before it moved.
 */
enum exit_outcome exit_io_string(struct vcpu *vcpu, uint64_t qualification);

#endif
