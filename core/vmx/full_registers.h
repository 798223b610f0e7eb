/* SPDX-License-Identifier: MIT */
/*
 * The exit stub saves only what C may clobber. FULL_REGISTERS(exit_x) defines full_exit_x, to stand
 * in the dispatch table for a handler that must see or change RBP or R12 to R15 too: it brings them
 * into struct vcpu, and back into the CPU once the handler is done. 12 ticks that only such exits
 * pay.
 */
#ifndef EXITMETER_CORE_VMX_FULL_REGISTERS_H
#define EXITMETER_CORE_VMX_FULL_REGISTERS_H

#include "vcpu.h"

#ifdef EXITMETER_SIMULATED
/* The registers of the process that runs the tests are nobody's guest's. */
#define FULL_REGISTERS(handler)                                \
    static enum exit_outcome full_##handler(struct vcpu *vcpu) \
    {                                                          \
        return handler(vcpu);                                  \
    }
#else
#define FULL_REGISTERS(handler)                                                              \
    static __attribute__((naked)) enum exit_outcome full_##handler(struct vcpu *vcpu         \
                                                                   __attribute__((unused)))  \
    {                                                                                        \
        __asm__ volatile("push %%rdi\n\t"                                                    \
                         "mov %%rbp, %c0(%%rdi)\n\t"                                         \
                         "mov %%r12, %c1(%%rdi)\n\t"                                         \
                         "mov %%r13, %c2(%%rdi)\n\t"                                         \
                         "mov %%r14, %c3(%%rdi)\n\t"                                         \
                         "mov %%r15, %c4(%%rdi)\n\t"                                         \
                         "call " #handler "\n\t"                                             \
                         "pop %%rdi\n\t"                                                     \
                         "mov %c0(%%rdi), %%rbp\n\t"                                         \
                         "mov %c1(%%rdi), %%r12\n\t"                                         \
                         "mov %c2(%%rdi), %%r13\n\t"                                         \
                         "mov %c3(%%rdi), %%r14\n\t"                                         \
                         "mov %c4(%%rdi), %%r15\n\t"                                         \
                         "ret"                                                               \
                         :                                                                   \
                         : "i"(offsetof(struct vcpu, rbp)), "i"(offsetof(struct vcpu, r12)), \
                           "i"(offsetof(struct vcpu, r13)), "i"(offsetof(struct vcpu, r14)), \
                           "i"(offsetof(struct vcpu, r15)));                                 \
    }
#endif
#endif
