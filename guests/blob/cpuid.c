/* SPDX-License-Identifier: MIT */
/* CPUID, and the floor: the same exit by the shortest stub there can be. */
#include "row.h"

/* What core/vmx/entry.S expects at vmx_exit_floor: RBX the way on, RAX given up, RCX not 0. */
#define FLOOR_PREPARE "xor %%eax, %%eax\n\tmov $1, %%ecx\n\tlea 2f(%%rip), %%rbx"

ROW_FUNCTION(floor_control, FLOOR_PREPARE, "2:")
ROW_FUNCTION(floor_op, FLOOR_PREPARE, "cpuid\n\t2:")
ROW_CODE(cpuid, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid")

ROWS = {
    {
        .name = "floor",
        CODE_ONCE(floor),
        .description = "the transition alone: CPUID, VMWRITE of RIP, VMRESUME",
        .instruction = "CPUID",
        .exits = {ALWAYS(CPUID)},
        .flags = ROW_FLOOR,
    },
    {
        .name = "cpuid",
        CODE(cpuid),
        .description = "CPUID leaf 0",
        .instruction = "CPUID",
        .exits = {ALWAYS(CPUID)},
    },
};
