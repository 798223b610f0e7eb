/* SPDX-License-Identifier: MIT */
#include "check_rule.h"

#include "../x86/instructions.h"

uint64_t check_field(enum vmcs_field field)
{
    uint64_t value;
    return x86_vmread_checked(field, &value) == VMX_SUCCEED ? value : 0;
}

bool check_rules(const struct check *check, const struct rule *rules, size_t count,
                 struct vmcs_fault *fault)
{
    for (const struct rule *rule = rules; rule < rules + count; rule++) {
        enum vmcs_field field = (enum vmcs_field)(rule->field + 2 * check->segment);
        uint64_t value;

        if ((check->facts & rule->when) != rule->when || check->facts & rule->unless)
            continue;
        if (x86_vmread_checked(field, &value) != VMX_SUCCEED)
            continue;
        if (!rule->want(check, value, rule->operand)) {
            *fault = (struct vmcs_fault){field, rule->text, value};
            return false;
        }
    }
    return true;
}
