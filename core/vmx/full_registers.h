/* SPDX-License-Identifier: MIT */
/*
 * The exit stub saves only what C may clobber. FULL_REGISTERS(exit_x) defines full_exit_x, to stand
 * in the dispatch table for a handler that must see or change RBP or R12 to R15 too: it brings them
 * into struct vcpu, and back into the CPU once the handler is done. 12 ticks that only such exits
 * pay.
 *
 * FULL_REGISTERS_AFTER(exit_quick, exit_x) likewise, for exits of which exit_quick does the most
 * without them: exit_x runs for those only for which it returns EXIT_UNFINISHED.
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
#define FULL_REGISTERS_AFTER(quick, handler)                         \
    static enum exit_outcome full_##handler(struct vcpu *vcpu)       \
    {                                                                \
        enum exit_outcome outcome = quick(vcpu);                     \
        return outcome == EXIT_UNFINISHED ? handler(vcpu) : outcome; \
    }
#else
#define FULL_REGISTERS(handler)                                                             \
    static __attribute__((naked)) enum exit_outcome full_##handler(struct vcpu *vcpu        \
                                                                   __attribute__((unused))) \
    {                                                                                       \
        __asm__ volatile(FULL_REGISTERS_CALL(handler)::FULL_REGISTERS_PLACES);              \
    }
#define FULL_REGISTERS_AFTER(quick, handler)                                                \
    static __attribute__((naked)) enum exit_outcome full_##handler(struct vcpu *vcpu        \
                                                                   __attribute__((unused))) \
    {                                                                                       \
        __asm__ volatile("push %%rdi\n\t"                                                   \
                         "call " #quick "\n\t"                                              \
                         "pop %%rdi\n\t"                                                    \
                         "cmp %[unfinished], %%eax\n\t"                                     \
                         "je 1f\n\t"                                                        \
                         "ret\n1:\t" FULL_REGISTERS_CALL(handler)::FULL_REGISTERS_PLACES,   \
                         [unfinished] "i"(EXIT_UNFINISHED));                                \
    }
#define FULL_REGISTERS_CALL(handler) \
    "push %%rdi\n\t"                 \
    "mov %%rbp, %c[rbp](%%rdi)\n\t"  \
    "mov %%r12, %c[r12](%%rdi)\n\t"  \
    "mov %%r13, %c[r13](%%rdi)\n\t"  \
    "mov %%r14, %c[r14](%%rdi)\n\t"  \
    "mov %%r15, %c[r15](%%rdi)\n\t"  \
    "call " #handler "\n\t"          \
    "pop %%rdi\n\t"                  \
    "mov %c[rbp](%%rdi), %%rbp\n\t"  \
    "mov %c[r12](%%rdi), %%r12\n\t"  \
    "mov %c[r13](%%rdi), %%r13\n\t"  \
    "mov %c[r14](%%rdi), %%r14\n\t"  \
    "mov %c[r15](%%rdi), %%r15\n\t"  \
    "ret"
#define FULL_REGISTERS_PLACES                                                         \
    [rbp] "i"(offsetof(struct vcpu, rbp)), [r12] "i"(offsetof(struct vcpu, r12)),     \
        [r13] "i"(offsetof(struct vcpu, r13)), [r14] "i"(offsetof(struct vcpu, r14)), \
        [r15] "i"(offsetof(struct vcpu, r15))
#endif
#endif
