/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "../../core/x86/instructions.h"

#include <string.h>

#define HYPERVISOR         0x40000000u
#define HYPERVISOR_PRESENT (1u << 31)
#define BRAND_FIRST        0x80000002u
#define BRAND_LAST         0x80000004u

void machine_describe(struct machine_facts *facts, const struct vmx_capability *capability)
{
    struct cpuid_registers r = x86_cpuid(0, 0);
    uint32_t vendor[3] = {r.ebx, r.edx, r.ecx};

    memcpy(facts->vendor, vendor, sizeof(vendor));
    if (x86_cpuid(0x80000000, 0).eax >= BRAND_LAST)
        for (uint32_t leaf = BRAND_FIRST; leaf <= BRAND_LAST; leaf++) {
            r = x86_cpuid(leaf, 0);
            memcpy(facts->brand + 16 * (leaf - BRAND_FIRST), &r, sizeof(r));
        }
    facts->signature = x86_cpuid(1, 0).eax;
    if (x86_cpuid(1, 0).ecx & HYPERVISOR_PRESENT) {
        r = x86_cpuid(HYPERVISOR, 0);
        memcpy(facts->hypervisor, &r.ebx, sizeof(uint32_t[3]));
    }
    facts->vmx_basic = capability->basic;
    facts->pin_based = capability->controls[CONTROL_PIN_BASED];
    facts->primary = capability->controls[CONTROL_PRIMARY];
    facts->secondary = capability->controls[CONTROL_SECONDARY];
    facts->exit = capability->controls[CONTROL_EXIT];
    facts->entry = capability->controls[CONTROL_ENTRY];
    facts->ept_vpid = capability->ept_vpid;
    facts->misc = capability->misc;
    facts->feature_control = capability->feature_control;
}
