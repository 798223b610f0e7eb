/* SPDX-License-Identifier: MIT */
#include "requirement.h"

#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"
#include "pm_timer.h"

enum output { EAX, EBX, ECX, EDX };

/* Bits of a CPUID leaf of which one must be set; 0: none is asked for. And a control in force. */
struct requirement {
    uint32_t bit; /* ROW_REQUIRES_* */
    uint32_t leaf;
    enum output output;
    uint32_t mask;
    uint32_t secondary;
    const char *lacking;
};

static const struct requirement requirements[] = {
#define REQUIREMENT(...) {__VA_ARGS__},
#include "requirement_list.h"
#undef REQUIREMENT
};

#define REQUIREMENTS (sizeof(requirements) / sizeof(requirements[0]))

static bool leaf_has(const struct requirement *requirement)
{
    const struct cpuid_registers r = x86_cpuid(requirement->leaf, 0);
    const uint32_t outputs[] = {[EAX] = r.eax, [EBX] = r.ebx, [ECX] = r.ecx, [EDX] = r.edx};
    const uint32_t last = x86_cpuid(requirement->leaf & 0x80000000, 0).eax;

    return requirement->leaf <= last && outputs[requirement->output] & requirement->mask;
}

static bool has_tsx_ctrl(void)
{
    uint32_t low, high;
    return x86_rdmsr_checked(IA32_ARCH_CAPABILITIES, &low, &high) &&
           low & ARCH_CAPABILITIES_TSX_CTRL;
}

static bool is_there(const struct requirement *requirement, const struct vcpu *vcpu)
{
    uint32_t secondary = vcpu->controls[CONTROL_SECONDARY];

    if ((requirement->mask && !leaf_has(requirement)) ||
        (secondary & requirement->secondary) != requirement->secondary)
        return false;
    if (requirement->bit == ROW_REQUIRES_TSX_CTRL)
        return has_tsx_ctrl();
    return requirement->bit != ROW_REQUIRES_PM_TIMER || pm_timer_is_there();
}

const char *guest_lacks(const struct blob_row *row, const struct vcpu *vcpu)
{
    uint32_t bits = row->requires;

    for (unsigned i = 0; i < REQUIREMENTS; i++) {
        if (bits & requirements[i].bit && !is_there(&requirements[i], vcpu))
            return requirements[i].lacking;
        bits &= ~requirements[i].bit;
    }
    if (bits & ~ROW_REQUIRES_OF_POLICY)
        return "the row requires what this image does not know of";
    return guest_lacks_of_policy(row, vcpu);
}
