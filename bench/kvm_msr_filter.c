/* SPDX-License-Identifier: MIT */
#include "kvm_msr_filter.h"

#include <string.h>

#define HIGH_FIRST 0xc0000000u
#define MSRS       8192u /* in each of the bitmap's four parts: SDM volume 3C, 25.6.9 */

static const struct {
    uint32_t base;
    uint32_t flags;
} parts[KVM_FILTER_RANGES] = {
    {0, KVM_MSR_FILTER_READ},
    {HIGH_FIRST, KVM_MSR_FILTER_READ},
    {0, KVM_MSR_FILTER_WRITE},
    {HIGH_FIRST, KVM_MSR_FILTER_WRITE},
};

static bool is_unfiltered(uint32_t msr)
{
    return msr >= KVM_UNFILTERED_FIRST && msr <= KVM_UNFILTERED_LAST;
}

bool kvm_filter_make(const struct plan_policy *policy, struct kvm_filter *filter)
{
    *filter = (struct kvm_filter){.filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW}};
    for (unsigned part = 0; part < KVM_FILTER_RANGES; part++) {
        const uint8_t *exits = policy->msr_bitmap + part * sizeof(filter->bitmaps[0]);
        uint8_t *allows = filter->bitmaps[part];
        unsigned *denied =
            parts[part].flags == KVM_MSR_FILTER_READ ? &filter->reads : &filter->writes;
        memset(allows, 0xff, sizeof(filter->bitmaps[part]));
        for (uint32_t i = 0; i < MSRS; i++)
            if (exits[i / 8] >> i % 8 & 1 && !is_unfiltered(parts[part].base + i)) {
                allows[i / 8] &= (uint8_t) ~(1u << i % 8);
                ++*denied;
            }
        filter->filter.ranges[part] = (struct kvm_msr_filter_range){
            .flags = parts[part].flags, .nmsrs = MSRS, .base = parts[part].base, .bitmap = allows};
    }
    return strcmp(policy->name, KVM_OWN_POLICY) != 0 && (filter->reads || filter->writes);
}
