/* SPDX-License-Identifier: MIT */
#include "cpuid_policy.h"

#include "../x86/instructions.h"

#define EXTENDED_FIRST 0x80000000u

/* x2APIC ids are the guest's, as are the size of its extended state and the rate of its timer. */
#define CORE_LEAVES                                                                     \
    (1u << 1 | 1u << CPUID_TOPOLOGY | 1u << CPUID_EXTENDED_STATE | 1u << CPUID_CLOCKS | \
     1u << CPUID_TOPOLOGY_2)
#define CORE_RANGES (1u << (CPUID_HYPERVISOR_FIRST >> 28))

static void look_at(struct cpuid_policy *policy, uint32_t leaf)
{
    if (leaf < 32)
        policy->leaves |= 1u << leaf;
    else
        policy->ranges |= 1u << (leaf >> 28);
    /* The CPU gives this one for leaves that it does not have, whatever their number. */
    if (leaf == x86_cpuid(0, 0).eax)
        policy->leaves = policy->ranges = UINT32_MAX;
}

void cpuid_policy_set(struct cpuid_policy *policy, const struct cpuid_hidden *hidden)
{
    *policy = (struct cpuid_policy){.leaves = CORE_LEAVES, .ranges = CORE_RANGES};
    for (unsigned i = 0; i < CPUID_HIDDEN_MAX; i++) {
        if (!hidden[i].bits || hidden[i].output > 3)
            continue;
        policy->hidden[i] = hidden[i];
        look_at(policy, hidden[i].leaf);
    }
}

uint32_t cpuid_answered_leaf(uint32_t leaf)
{
    uint32_t last = x86_cpuid(0, 0).eax;

    if (leaf >= EXTENDED_FIRST)
        return leaf <= x86_cpuid(EXTENDED_FIRST, 0).eax ? leaf : last;
    return leaf <= last ? leaf : last;
}

void cpuid_hide(const struct cpuid_policy *policy, uint32_t leaf, uint32_t subleaf,
                struct cpuid_registers *registers)
{
    uint32_t *const outputs[] = {&registers->eax, &registers->ebx, &registers->ecx,
                                 &registers->edx};

    for (unsigned i = 0; i < CPUID_HIDDEN_MAX; i++) {
        const struct cpuid_hidden *hidden = &policy->hidden[i];
        if (hidden->bits && hidden->leaf == leaf &&
            (hidden->subleaf == CPUID_ANY_SUBLEAF || hidden->subleaf == subleaf))
            *outputs[hidden->output] &= ~hidden->bits;
    }
}
