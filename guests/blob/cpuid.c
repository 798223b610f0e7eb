/* SPDX-License-Identifier: MIT */
/* CPUID leaf by leaf, and the floor: the same exit by the shortest stub there can be. */
#include "row.h"

/* What core/vmx/entry.S expects at vmx_exit_floor: RBX the way on, RAX given up, RCX not 0. */
#define FLOOR_PREPARE "xor %%eax, %%eax\n\tmov $1, %%ecx\n\tlea 2f(%%rip), %%rbx"

ROW_FUNCTION(floor_control, FLOOR_PREPARE, "2:")
ROW_FUNCTION(floor_op, FLOOR_PREPARE, "cpuid\n\t2:")
ROW_CODE(cpuid, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid")

/* Every leaf by the same preparation, so that they differ by what becomes of them alone. */
#define LEAF_CODE(id, leaf) ROW_CODE(id, "mov $" leaf ", %%eax\n\txor %%ecx, %%ecx", "cpuid")

LEAF_CODE(cpuid_1, "1")
LEAF_CODE(cpuid_7, "7")
LEAF_CODE(cpuid_b, "0xb")
LEAF_CODE(cpuid_d, "0xd")
LEAF_CODE(cpuid_hypervisor, "0x40000000")

#define LEAF(id, leaf, what)                                                          \
    {                                                                                 \
        .name = "cpuid/" leaf, CODE(id), .description = "CPUID leaf " leaf ", " what, \
        .instruction = "CPUID", .exits = {ALWAYS(CPUID)},                             \
    }

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
    LEAF(cpuid_1, "1", "features, some of them the guest's own"),
    LEAF(cpuid_7, "7", "features, the CPU's as they are"),
    LEAF(cpuid_b, "0xb", "topology, with the guest's x2APIC id"),
    LEAF(cpuid_d, "0xd", "size of the extended state, by the guest's XCR0"),
    LEAF(cpuid_hypervisor, "0x40000000", "the hypervisor's name"),
};
