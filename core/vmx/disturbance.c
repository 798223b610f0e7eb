/* SPDX-License-Identifier: MIT */
#include "disturbance.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"

#define CPUID_POWER 6u

static bool read(uint32_t msr, uint64_t *value)
{
    uint32_t low, high;

    if (!x86_rdmsr_checked(msr, &low, &high))
        return false;
    *value = (uint64_t)high << 32 | low;
    return true;
}

static bool is_intel_family_6(void)
{
    struct cpuid_registers vendor = x86_cpuid(0, 0);

    return vendor.ebx == 0x756e6547 && vendor.edx == 0x49656e69 && vendor.ecx == 0x6c65746e &&
           (x86_cpuid(1, 0).eax >> 8 & 0xf) == 6;
}

static bool read_smi_count(uint32_t *count)
{
    uint64_t value = 0;

    if (!is_intel_family_6() || !read(MSR_SMI_COUNT, &value))
        return false;
    *count = (uint32_t)value;
    return *count || !x86_wrmsr_checked(MSR_SMI_COUNT, 0, 0);
}

void disturbance_read(struct disturbance_facts *facts)
{
    *facts = (struct disturbance_facts){0};
    facts->has_smi_count = read_smi_count(&facts->smi_count);
    facts->has_clocks = x86_cpuid(0, 0).eax >= CPUID_POWER &&
                        x86_cpuid(CPUID_POWER, 0).ecx & CPUID_6_ECX_APERF_MPERF &&
                        read(IA32_APERF, &facts->aperf) && read(IA32_MPERF, &facts->mperf);
    facts->nmi_count = platform_nmi_count();
    facts->has_nmi_count = true;
    facts->tsc = x86_rdtsc();
}
