/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"

#include <stdbool.h>
#include <string.h>

#define HYPERVISOR         0x40000000u
#define HYPERVISOR_PRESENT (1u << 31)
#define BRAND_FIRST        0x80000002u
#define BRAND_LAST         0x80000004u

#define LEAF_7_SPEC_CTRL         (1u << 26) /* CPUID.07H:EDX */
#define LEAF_7_ARCH_CAPABILITIES (1u << 29)

static void read_msr(struct machine_facts *facts, uint32_t msr, uint64_t *value, uint64_t known)
{
    uint32_t low, high;
    if (!x86_rdmsr_checked(msr, &low, &high))
        return;
    *value = (uint64_t)high << 32 | low;
    facts->known |= known;
}

/* SDM volume 3A, 10.11.7.1: written with 0, the MSR is loaded by CPUID. */
static void read_microcode(struct machine_facts *facts)
{
    if (x86_wrmsr_checked(IA32_BIOS_SIGN_ID, 0, 0))
        x86_cpuid(1, 0);
    read_msr(facts, IA32_BIOS_SIGN_ID, &facts->microcode, MACHINE_MICROCODE);
}

/* Three registers of a leaf, if the CPU has it. */
static bool read_leaf(uint32_t leaf, uint32_t values[3])
{
    if (x86_cpuid(0, 0).eax < leaf)
        return false;
    struct cpuid_registers r = x86_cpuid(leaf, 0);
    values[0] = r.eax;
    values[1] = r.ebx;
    values[2] = r.ecx;
    return true;
}

/* What decides how fast it runs and what it takes against speculation. */
static void describe_state(struct machine_facts *facts)
{
    uint32_t leaf[3];
    uint32_t features = x86_cpuid(0, 0).eax >= 7 ? x86_cpuid(7, 0).edx : 0;

    facts->known = 0;
    read_microcode(facts);
    read_msr(facts, MSR_PLATFORM_INFO, &facts->platform_info, MACHINE_PLATFORM_INFO);
    read_msr(facts, IA32_MISC_ENABLE, &facts->misc_enable, MACHINE_MISC_ENABLE);
    if (features & LEAF_7_ARCH_CAPABILITIES)
        read_msr(facts, IA32_ARCH_CAPABILITIES, &facts->arch_capabilities,
                 MACHINE_ARCH_CAPABILITIES);
    if (features & LEAF_7_SPEC_CTRL)
        read_msr(facts, IA32_SPEC_CTRL, &facts->spec_ctrl, MACHINE_SPEC_CTRL);
    if (read_leaf(6, leaf)) {
        facts->power = leaf[0];
        facts->known |= MACHINE_POWER;
    }
    if (read_leaf(0xb, leaf)) {
        facts->threads = leaf[1];
        facts->known |= MACHINE_THREADS;
    }
    if (read_leaf(0x15, facts->clock))
        facts->known |= MACHINE_CLOCK;
    if (read_leaf(0x16, facts->frequency))
        facts->known |= MACHINE_FREQUENCY;
}

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
    describe_state(facts);
}
