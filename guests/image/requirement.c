/* SPDX-License-Identifier: MIT */
#include "requirement.h"

#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"

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

/*
 * By PCI configuration space: function 3 of the PIIX4 (device 1 of bus 0) is the power management;
 * its timer lies 8 bytes behind the base that its register 0x40 holds, if 0x80 enables it.
 */
#define PCI_ADDRESS     0xcf8
#define PCI_DATA        0xcfc
#define PCI_PIIX4_POWER 0x80000b00u
#define PIIX4_POWER_ID  0x71138086u
#define PIIX4_BASE      0x40u
#define PIIX4_ENABLE    0x80u
#define PM_TIMER_OFFSET 8u

static uint32_t pci_read(uint32_t address)
{
    x86_out32(PCI_ADDRESS, address);
    return x86_in32(PCI_DATA);
}

static bool has_pm_timer(void)
{
    return pci_read(PCI_PIIX4_POWER) == PIIX4_POWER_ID &&
           pci_read(PCI_PIIX4_POWER | PIIX4_ENABLE) & 1 &&
           (pci_read(PCI_PIIX4_POWER | PIIX4_BASE) & 0xffc0) + PM_TIMER_OFFSET == GUEST_PM_TIMER;
}

static bool is_there(const struct requirement *requirement, const struct vcpu *vcpu)
{
    uint32_t secondary = vcpu->controls[CONTROL_SECONDARY];

    if ((requirement->mask && !leaf_has(requirement)) ||
        (secondary & requirement->secondary) != requirement->secondary)
        return false;
    if (requirement->bit == ROW_REQUIRES_TSX_CTRL)
        return has_tsx_ctrl();
    return requirement->bit != ROW_REQUIRES_PM_TIMER || has_pm_timer();
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
