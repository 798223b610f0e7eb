/* SPDX-License-Identifier: MIT */
#include "policy_cpuid.h"

enum output { EAX, EBX, ECX, EDX };

/* SDM Vol. 2A, CPUID: name, leaf, output, bit. Leaf 7's are of subleaf 0. */
#define FEATURES(X)                     \
    X("monitor", 1, ECX, 3)             \
    X("pcid", 1, ECX, 17)               \
    X("x2apic", 1, ECX, 21)             \
    X("tsc-deadline", 1, ECX, 24)       \
    X("xsave", 1, ECX, 26)              \
    X("avx", 1, ECX, 28)                \
    X("rdrand", 1, ECX, 30)             \
    X("mce", 1, EDX, 7)                 \
    X("apic", 1, EDX, 9)                \
    X("mtrr", 1, EDX, 12)               \
    X("pge", 1, EDX, 13)                \
    X("mca", 1, EDX, 14)                \
    X("pat", 1, EDX, 16)                \
    X("acpi", 1, EDX, 22)               \
    X("fsgsbase", 7, EBX, 0)            \
    X("tsc-adjust", 7, EBX, 1)          \
    X("smep", 7, EBX, 7)                \
    X("invpcid", 7, EBX, 10)            \
    X("rdseed", 7, EBX, 18)             \
    X("smap", 7, EBX, 20)               \
    X("umip", 7, ECX, 2)                \
    X("pku", 7, ECX, 3)                 \
    X("la57", 7, ECX, 16)               \
    X("rdpid", 7, ECX, 22)              \
    X("pages-1gb", 0x80000001, EDX, 26) \
    X("rdtscp", 0x80000001, EDX, 27)    \
    X("invariant-tsc", 0x80000007, EDX, 8)

#define NAME(name, leaf, output, bit) name,
#define PLACE(name, leaf, output, bit) \
    {leaf, (leaf) == 7 ? 0 : PLAN_ANY_SUBLEAF, output, 1u << (bit)},

static const char *const names[] = {FEATURES(NAME)};
static const struct plan_cpuid_hidden places[] = {FEATURES(PLACE)};

const char *const *policy_feature_names(size_t *count)
{
    *count = sizeof(names) / sizeof(names[0]);
    return names;
}

bool policy_hide_bits(struct plan_policy *policy, struct plan_cpuid_hidden hidden)
{
    for (unsigned i = 0; i < PLAN_CPUID_HIDDEN; i++) {
        struct plan_cpuid_hidden *at = &policy->cpuid[i];
        bool same =
            at->leaf == hidden.leaf && at->subleaf == hidden.subleaf && at->output == hidden.output;
        if (at->bits && !same)
            continue;
        hidden.bits |= at->bits;
        *at = hidden;
        return true;
    }
    return false;
}

bool policy_hide_feature(struct plan_policy *policy, size_t index)
{
    return policy_hide_bits(policy, places[index]);
}

const char *policy_feature_of(const struct plan_cpuid_hidden *hidden, unsigned bit)
{
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
        if (places[i].leaf == hidden->leaf && places[i].subleaf == hidden->subleaf &&
            places[i].output == hidden->output && places[i].bits == 1u << bit)
            return names[i];
    return NULL;
}
