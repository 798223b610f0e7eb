/* SPDX-License-Identifier: MIT */
#include "extended_state.h"

#include "../x86/instructions.h"

void extended_state_use(const struct vmx_capability *capability, uint64_t xcr0)
{
    if (capability->xcr0 && x86_xgetbv(0) != xcr0)
        x86_xsetbv_checked(0, xcr0); /* a value that XSETBV has taken before, or that of RESET */
}
