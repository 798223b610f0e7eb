/* SPDX-License-Identifier: MIT */
/* One access to a device under way: between mmio.c, which knows the exit, and mmio_execute.c. */
#ifndef EXITMETER_CORE_EXITS_MMIO_ACCESS_H
#define EXITMETER_CORE_EXITS_MMIO_ACCESS_H

#include "../vmx/dispatch.h"
#include "../vmx/walk.h"
#include "mmio_decode.h"

struct mmio_access {
    struct vcpu *vcpu;
    const struct mmio_range *range;
    uint64_t physical; /* of the operand that the exit is about */
    struct mmio_instruction instruction;
    struct guest_paging paging;
    bool in_64_bit_mode;
    bool to_device;            /* of MOVS: the device is the destination */
    bool events;               /* EXIT_EVENTS is owed */
    uint64_t rip;              /* of the instruction */
    uint64_t rflags;           /* the guest's, as the instruction leaves them */
    enum exit_outcome outcome; /* where a function returned false */
};

/* Offset, in its segment, of the memory operand, and of the destination of string instructions. */
uint64_t mmio_operand_offset(const struct mmio_access *access);
uint64_t mmio_string_destination(const struct mmio_access *access);

/* The instruction but for RIP and RFLAGS. False: it has ended otherwise, as outcome says. */
bool mmio_execute(struct mmio_access *access);

/* Stops the guest for the access; false. */
bool mmio_give_up(struct mmio_access *access, const char *text);

#endif
