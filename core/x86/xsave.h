/* SPDX-License-Identifier: MIT */
/*
 * The instructions that save and restore extended state (SDM Vol. 1 10.5 and chapter 13): one C
 * function each, as in instructions.h. components is the mask in EDX:EAX; the FXSAVE pair has none.
 * The 64-bit forms: FIP and FDP whole, but no FCS and FDS, which newer CPUs do not keep at all.
 */
#ifndef EXITMETER_CORE_X86_XSAVE_H
#define EXITMETER_CORE_X86_XSAVE_H

#include <stdint.h>

#ifdef EXITMETER_SIMULATED
#include "../tests/simulated_extended.h"
#else

#define X86_SAVE(name)                                                                 \
    static inline void x86_##name(void *area, uint64_t components)                     \
    {                                                                                  \
        __asm__ volatile(#name "64 (%0)"                                               \
                         :                                                             \
                         : "r"(area), "a"((uint32_t)components), "d"(components >> 32) \
                         : "memory");                                                  \
    }
X86_SAVE(fxsave)
X86_SAVE(fxrstor)
X86_SAVE(xsave)
X86_SAVE(xsaveopt)
X86_SAVE(xsaves)
X86_SAVE(xrstor)
X86_SAVE(xrstors)

#endif
#endif
