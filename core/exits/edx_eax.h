/* SPDX-License-Identifier: MIT */
/* The 64-bit value in EDX:EAX, by which RDMSR, WRMSR, RDTSC, RDPMC and XSETBV pass theirs. */
#ifndef EXITMETER_CORE_EXITS_EDX_EAX_H
#define EXITMETER_CORE_EXITS_EDX_EAX_H

#include "../vmx/dispatch.h"
#include "advance.h"

static inline uint64_t edx_eax(const struct vcpu *vcpu)
{
    return vcpu->rdx << 32 | (uint32_t)vcpu->rax;
}

/* Completes an instruction that reads: the upper halves of RDX and RAX come back clear. */
static inline enum exit_outcome complete_read(struct vcpu *vcpu, uint64_t value)
{
    vcpu->rax = (uint32_t)value;
    vcpu->rdx = value >> 32;
    guest_advance();
    return EXIT_RESUME;
}

#endif
