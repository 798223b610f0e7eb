/* SPDX-License-Identifier: MIT */
/*
 * RDMSR and WRMSR. IA32_KERNEL_GS_BASE: in the bitmap's high range, held by no VMCS field, and
 * without an effect until a SWAPGS that never comes.
 */
#include "row.h"

#define IA32_KERNEL_GS_BASE 0xc0000102

ROW_CODE(rdmsr, "mov $0xc0000102, %%ecx", "rdmsr")
ROW_CODE(wrmsr, "mov $0xc0000102, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx", "wrmsr")

ROWS = {
    {
        .name = "rdmsr",
        CODE(rdmsr),
        .description = "read of IA32_KERNEL_GS_BASE",
        .instruction = "RDMSR",
        .exits = {IF_MSR_READ(IA32_KERNEL_GS_BASE)},
    },
    {
        .name = "wrmsr",
        CODE(wrmsr),
        .description = "write of IA32_KERNEL_GS_BASE",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(IA32_KERNEL_GS_BASE)},
    },
};
