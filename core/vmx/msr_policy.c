/* SPDX-License-Identifier: MIT */
#include "msr_policy.h"

#include "../x86/msr.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct msr_policy own = {
    .low =
        {
            [IA32_APIC_BASE] = MSR_APIC_BASE,
            [IA32_FEATURE_CONTROL] = MSR_REFUSED,
            [IA32_SYSENTER_CS] = MSR_SYSENTER_CS,
            [IA32_SYSENTER_ESP] = MSR_SYSENTER_ESP,
            [IA32_SYSENTER_EIP] = MSR_SYSENTER_EIP,
            [IA32_DEBUGCTL] = MSR_DEBUGCTL,
            [IA32_PAT] = MSR_PAT,
            [IA32_TSC_DEADLINE] = MSR_TSC_DEADLINE,
            [IA32_VMX_BASIC... IA32_VMX_LAST] = MSR_REFUSED,
            [X2APIC_MSR_FIRST... X2APIC_TPR - 1] = MSR_LOCAL_APIC,
            [X2APIC_TPR] = MSR_TPR,
            [X2APIC_TPR + 1 ... X2APIC_MSR_LAST] = MSR_LOCAL_APIC,
        },
    .high =
        {
            [IA32_EFER - MSR_HIGH] = MSR_EFER,
            [IA32_FS_BASE - MSR_HIGH] = MSR_FS_BASE,
            [IA32_GS_BASE - MSR_HIGH] = MSR_GS_BASE,
        },
};

#define HIGH_BITS 1024u /* where those of the upper range begin, in bytes of a half */
#define REFUSALS  2048u /* and the half of what is refused */

#define BITMAP_WRITES 2048u /* the half of the MSR bitmap for writes, SDM Vol. 3C 25.6.9 */

static bool bit(const uint8_t *bits, uint32_t number)
{
    return bits[number / 8] >> number % 8 & 1;
}

static void answer(uint8_t classes[MSR_RANGE], const uint8_t *answers)
{
    for (uint32_t i = 0; i < MSR_RANGE; i++) {
        if (bit(answers + REFUSALS, i))
            classes[i] = MSR_REFUSED;
        else if (classes[i] == MSR_HARDWARE && bit(answers, i))
            classes[i] = MSR_ZERO;
    }
}

static const struct {
    uint16_t first, last;
} never[] = {
#define MSR_NEVER(first, last, names, source) {first, last},
#include "msr_never_list.h"
#undef MSR_NEVER
};

#define MSR_NEVER(first, last, names, source) \
    _Static_assert((first) <= (last) && (last) < MSR_RANGE, "in the lower range");
#include "msr_never_list.h"
#undef MSR_NEVER

#define NEVER (sizeof(never) / sizeof(never[0]))

void msr_policy_set(struct msr_policy *policy, const uint8_t *answers)
{
    memcpy(policy, &own, sizeof(*policy));
    if (answers) {
        answer(policy->low, answers);
        answer(policy->high, answers + HIGH_BITS);
    }
    for (unsigned i = 0; i < NEVER; i++)
        for (uint32_t msr = never[i].first; msr <= never[i].last; msr++)
            if (policy->low[msr] == MSR_HARDWARE)
                policy->low[msr] = MSR_REFUSED;
}

void msr_policy_intercept(uint8_t *bitmap)
{
    for (unsigned i = 0; i < NEVER; i++)
        for (uint32_t msr = never[i].first; msr <= never[i].last; msr++) {
            bitmap[msr / 8] |= (uint8_t)(1u << msr % 8);
            bitmap[BITMAP_WRITES + msr / 8] |= (uint8_t)(1u << msr % 8);
        }
}
