/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "../x86/instructions.h"
#include "check_rule.h"

static const struct {
    enum vmcs_field field;
    uint64_t mask;
    uint64_t value;
} facts[FACTS] = {
#define FACT(symbol, field, mask, value) {field, mask, value},
#include "check_fact_list.h"
#undef FACT
};

static uint64_t gather_facts(void)
{
    uint64_t holding = 0;

    for (int i = 0; i < FACTS; i++) {
        /* Without that control the field is ignored, or not even there (27.2.1.1). */
        if (facts[i].field == VMCS_SECONDARY_CONTROLS && !(holding & IF(PRIMARY_SECONDARY)))
            continue;
        if ((check_field(facts[i].field) & facts[i].mask) == facts[i].value)
            holding |= 1ull << i;
    }
    return holding;
}

bool vmcs_check_areas(const struct vmx_capability *capability, unsigned areas,
                      struct vmcs_fault *fault)
{
    uint32_t widths = x86_cpuid(0x80000008, 0).eax;
    const struct check check = {
        .capability = capability,
        .facts = gather_facts(),
        .physical_width = widths & 0xff,
        .linear_width = widths >> 8 & 0xff,
    };

    if (areas & VMCS_AREA_CONTROLS && !check_controls(&check, fault))
        return false;
    if (areas & VMCS_AREA_HOST && !check_host(&check, fault))
        return false;
    return !(areas & VMCS_AREA_GUEST) || check_guest(&check, fault);
}

bool vmcs_check(const struct vmx_capability *capability, struct vmcs_fault *fault)
{
    return vmcs_check_areas(capability, VMCS_AREA_ALL, fault);
}
