/* SPDX-License-Identifier: MIT */
/* VMCALL with the hypercall that does nothing. */
#include "row.h"

ROW_CODE(vmcall, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "vmcall")

ROWS = {
    {
        .name = "vmcall",
        CODE(vmcall),
        .description = "hypercall 0, which does nothing",
        .instruction = "VMCALL",
        .exits = {ALWAYS(VMCALL)},
    },
};
