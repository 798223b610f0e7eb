/* SPDX-License-Identifier: MIT */
/*
 * The loop that takes samples, in guests and in VMX root operation alike. Around what is measured
 * stand fenced time stamps: LFENCE; RDTSC; LFENCE on either side, so that neither the preparation
 * before nor the store after leaks into the sample. No CPUID: in a guest it would be an exit.
 */
#ifndef EXITMETER_GUESTS_SAMPLE_LOOP_H
#define EXITMETER_GUESTS_SAMPLE_LOOP_H

#include "blob.h"

/*
 * PREPARE runs between the first stamp and the operation and so is in the sample and in the control
 * alike; RAX, RBX, RCX, RDX, RSI and RDI are free for both. R8 to R11 belong to the loop. The rest
 * of the arguments are inputs of the assembly.
 */
#define SAMPLE_LOOP(prepare, operation, ...)                                                  \
    __asm__ volatile("1:\n\t"                                                                 \
                     "lfence\n\trdtsc\n\tlfence\n\t"                                          \
                     "mov %%eax, (%[at])\n\tmov %%edx, 4(%[at])\n\t" prepare "\n\t" operation \
                     "\n\t"                                                                   \
                     "lfence\n\trdtsc\n\tlfence\n\t"                                          \
                     "mov %%eax, 8(%[at])\n\tmov %%edx, 12(%[at])\n\t"                        \
                     "add $16, %[at]\n\t"                                                     \
                     "dec %[count]\n\t"                                                       \
                     "jnz 1b"                                                                 \
                     : [at] "+r"(at), [count] "+r"(left)                                      \
                     : __VA_ARGS__                                                            \
                     : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r11", "cc", "memory")

#endif
