/* SPDX-License-Identifier: MIT */
/* The local APIC in x2APIC form. */
#include "row.h"

#define X2APIC_TPR 0x808

ROW_CODE(x2apic_tpr, "mov $0x808, %%ecx\n\txor %%eax, %%eax\n\txor %%edx, %%edx", "wrmsr")

ROWS = {
    {
        .name = "x2apic_tpr",
        CODE(x2apic_tpr),
        .description = "write of the x2APIC's TPR, MSR 0x808",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(X2APIC_TPR)},
        .requires = ROW_REQUIRES_X2APIC,
    },
};
