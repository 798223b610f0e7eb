/* SPDX-License-Identifier: MIT */
/* One counter of the PMU, and its MSRs. For performance.c alone. */
#ifndef EXITMETER_CORE_VMX_PERFORMANCE_COUNTER_H
#define EXITMETER_CORE_VMX_PERFORMANCE_COUNTER_H

#include "performance.h"

/* What is wrong with a counter, and at which MSR it showed; 0: at none. */
struct performance_fault {
    const char *text;
    uint32_t msr;
};

static inline bool performance_is_fixed(unsigned number)
{
    return number >= PERFORMANCE_FIXED;
}

/* ECX for RDPMC (SDM Vol. 2B, RDPMC): fixed-function counters by bit 30. */
static inline uint32_t performance_rdpmc(unsigned number)
{
    return performance_is_fixed(number) ? 0x40000000u | (number - PERFORMANCE_FIXED) : number;
}

uint32_t performance_selector_msr(unsigned number);

/* IA32_FIXED_CTR_CTRL with that counter enabled at all privilege levels. */
uint64_t performance_fixed_control(unsigned number);

/* False, and *fault says why, if the access raised #GP; a write also if it did not stick. */
bool performance_read(uint32_t msr, uint64_t *value, struct performance_fault *fault);
bool performance_write(uint32_t msr, uint64_t value, struct performance_fault *fault);

/* Sets the counter; 0 to 31 bits of value, so that every way of writing can. */
bool performance_set(const struct performance *performance, unsigned number, uint64_t value,
                     struct performance_fault *fault);

/* Keeps what is in the counter's MSRs. Only then is there something for performance_put_back(). */
bool performance_save(struct performance *performance, unsigned number,
                      struct performance_fault *fault);

/*
 * Whether the counter, that is off, holds what is written, reads the same by RDPMC, and counts.
 * Leaves IA32_PERF_GLOBAL_CTRL 0, whatever comes of it.
 */
bool performance_prove(const struct performance *performance, unsigned number,
                       struct performance_fault *fault);

/* Turns the counter off and makes its MSRs what they were. False, and the first *fault, if one
 * write raised #GP; the others are done nevertheless. */
bool performance_put_back(struct performance *performance, unsigned number,
                          struct performance_fault *fault);

#endif
