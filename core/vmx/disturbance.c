/* SPDX-License-Identifier: MIT */
#include "disturbance.h"

#include "../x86/instructions.h"
#include "../x86/msr.h"

#include <stddef.h>

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
    facts->tsc = x86_rdtsc();
}

/* Differences too large to be multiplied lose what three digits do not show. */
static uint64_t per_mille(uint64_t part, uint64_t whole)
{
    for (; part >> 53; part >>= 1)
        whole >>= 1;
    if (!whole)
        whole = 1;
    return (part * 1000 + whole / 2) / whole;
}

static const char *judge_clocks(const struct disturbance_facts *before,
                                const struct disturbance_facts *after,
                                struct disturbance *disturbance)
{
    if (!before->has_clocks || !after->has_clocks)
        return "this CPU has no IA32_APERF and IA32_MPERF";
    if (after->tsc <= before->tsc)
        return "the TSC did not advance";
    if (after->aperf < before->aperf || after->mperf < before->mperf)
        return "IA32_APERF or IA32_MPERF was written in between";
    if (after->aperf == before->aperf || after->mperf == before->mperf)
        return "IA32_APERF and IA32_MPERF do not count";
    disturbance->core_per_mille =
        per_mille(after->aperf - before->aperf, after->mperf - before->mperf);
    disturbance->awake_per_mille =
        per_mille(after->mperf - before->mperf, after->tsc - before->tsc);
    return NULL;
}

void disturbance_judge(const struct disturbance_facts *before,
                       const struct disturbance_facts *after, struct disturbance *disturbance)
{
    *disturbance = (struct disturbance){0};
    disturbance->clocks_absent = judge_clocks(before, after, disturbance);
    if (before->has_smi_count && after->has_smi_count)
        disturbance->smis = after->smi_count - before->smi_count;
    else
        disturbance->smis_absent = "this CPU has no MSR_SMI_COUNT";
}
