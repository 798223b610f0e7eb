/* SPDX-License-Identifier: MIT */
/* What a policy hides of CPUID, seen by a guest: ci/tests/test_policies.py has the policy. */
#include "../blob/check.h"

#define EDX_MCE        (1u << 7)
#define EDX_MTRR       (1u << 12)
#define EBX_SMEP       (1u << 7)
#define EXTENDED_BRAND 0x80000002u

/* Haswell's last basic leaf is 0xd: the CPU answers for it where it has no leaf of that number. */
#define NO_SUCH_LEAF 0x1234u

static void hidden(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    EXPECT(!(cpuid(1, 0).edx & EDX_MCE) && cpuid(1, 0).edx & EDX_MTRR);
    EXPECT(!(cpuid(1, 0).ecx & (CPUID_1_ECX_PCID | CPUID_1_ECX_XSAVE)));
    EXPECT(!(cpuid(7, 0).ebx & EBX_SMEP) && cpuid(7, 0).ebx);
    EXPECT(!(cpuid(EXTENDED_BRAND, 0).eax & 0xffff) && cpuid(EXTENDED_BRAND, 0).eax >> 16);
    EXPECT(!cpuid(0xd, 0).eax && cpuid(0xd, 0).ecx);
    EXPECT(!cpuid(NO_SUCH_LEAF, 0).eax && cpuid(NO_SUCH_LEAF, 0).ecx);
    EXPECT(cpuid(0xd, 2).eax == 256);
}

ROWS = {{
    .name = "check/hidden",
    CHECK(hidden),
    .description = "features that the policy hides are not to be seen, and the others are",
    .instruction = "CPUID",
}};
