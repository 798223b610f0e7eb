/* SPDX-License-Identifier: MIT */
/*
 * Extended state of the simulated CPU, and in place of x86/xsave.h the instructions that move it. A
 * component's contents are one number, 0 being the initial one; in memory it lies where the
 * component does. What would be an exception is a fault.
 */
#ifndef EXITMETER_CORE_TESTS_SIMULATED_EXTENDED_H
#define EXITMETER_CORE_TESTS_SIMULATED_EXTENDED_H

#include <stdint.h>

#define SIMULATED_COMPONENTS 64

struct simulated_extended {
    uint64_t component[SIMULATED_COMPONENTS];
    uint16_t fcw;   /* of component 0 */
    uint32_t mxcsr; /* of component 1 */
    unsigned saves, loads;
    const char *last; /* of the instructions */

    /* Of the last load: whence, in which form, and what; for XSAVEOPT's and XSAVES's leaving out.
     */
    const void *loaded_from;
    uint64_t loaded_xcomp_bv;
    uint64_t loaded[SIMULATED_COMPONENTS];
    uint16_t loaded_fcw;
};

void x86_fxsave(void *area, uint64_t components);
void x86_fxrstor(void *area, uint64_t components);
void x86_xsave(void *area, uint64_t components);
void x86_xsaveopt(void *area, uint64_t components);
void x86_xsaves(void *area, uint64_t components);
void x86_xrstor(void *area, uint64_t components);
void x86_xrstors(void *area, uint64_t components);

#endif
