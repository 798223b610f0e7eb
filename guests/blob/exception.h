/* SPDX-License-Identifier: MIT */
/* Exceptions that a row expects; one that none expects ends the job as failed, by its vector. */
#ifndef EXITMETER_GUESTS_BLOB_EXCEPTION_H
#define EXITMETER_GUESTS_BLOB_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

/* start.S */
extern volatile uint32_t exception_vector;
extern volatile uint64_t exception_resume;

/* RDMSR, and whether it completed: false if it raised an exception, whose vector is then kept. */
static inline bool try_rdmsr(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    exception_vector = 0;
    __asm__ volatile("movq $1f, exception_resume\n\trdmsr\n\t1:"
                     : "+a"(low), "+d"(high)
                     : "c"(msr)
                     : "memory");
    exception_resume = 0;
    *value = (uint64_t)high << 32 | low;
    return !exception_vector;
}

/* WRMSR likewise. */
static inline bool try_wrmsr(uint32_t msr, uint64_t value)
{
    exception_vector = 0;
    __asm__ volatile("movq $1f, exception_resume\n\twrmsr\n\t1:"
                     :
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    exception_resume = 0;
    return !exception_vector;
}

/*
 * Any instruction, and whether it completed: TRY("mov %[from], %%dr0", (), ([from] "r"(value))).
 * Outputs must be written by it whole or be "+" operands: they are read after an exception too.
 */
#define TRY(text, outputs, inputs)                                      \
    ({                                                                  \
        exception_vector = 0;                                           \
        __asm__ volatile("movq $1f, exception_resume\n\t" text "\n\t1:" \
                         : TRY_LIST outputs                             \
                         : TRY_LIST inputs                              \
                         : "memory", "cc");                             \
        exception_resume = 0;                                           \
        !exception_vector;                                              \
    })
#define TRY_LIST(...) __VA_ARGS__

#endif
