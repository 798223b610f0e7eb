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
    {ROW_REQUIRES_X2APIC, 1, ECX, CPUID_1_ECX_X2APIC, 0, "this CPU has no x2APIC"},
    {ROW_REQUIRES_UNRESTRICTED, 0, EAX, 0, SECONDARY_UNRESTRICTED_GUEST,
     "a start in real mode takes \"unrestricted guest\", which this CPU or the policy lacks"},
    {ROW_REQUIRES_MONITOR, 1, ECX, 1u << 3, 0, "this CPU has no MONITOR"},
    {ROW_REQUIRES_RDRAND, 1, ECX, 1u << 30, 0, "this CPU has no RDRAND"},
    {ROW_REQUIRES_RDSEED, 7, EBX, 1u << 18, 0, "this CPU has no RDSEED"},
    {ROW_REQUIRES_INVPCID, 7, EBX, 1u << 10, SECONDARY_INVPCID,
     "this CPU has no INVPCID, or guests are not to have it"},
    {ROW_REQUIRES_RDTSCP, 0x80000001, EDX, CPUID_80000001_EDX_RDTSCP, SECONDARY_RDTSCP,
     "this CPU has no RDTSCP, or guests are not to have it"},
    {ROW_REQUIRES_XSAVE, 1, ECX, CPUID_1_ECX_XSAVE, 0, "this CPU has no XSETBV"},
    {ROW_REQUIRES_RDPMC, CPUID_PERFORMANCE, EAX, 0xff00, 0, "this CPU has no performance counter"},
    {ROW_REQUIRES_TSC_ADJUST, 7, EBX, 1u << 1, 0, "this CPU has no IA32_TSC_ADJUST"},
    {ROW_REQUIRES_SPEC_CTRL, 7, EDX, 1u << 26, 0,
     "this CPU has neither IA32_SPEC_CTRL nor IA32_PRED_CMD"},
    {ROW_REQUIRES_TSX_CTRL, 7, EDX, CPUID_7_EDX_ARCH_CAPABILITIES, 0,
     "this CPU has no IA32_TSX_CTRL"},
    {ROW_REQUIRES_PM_TIMER, 0, EAX, 0, 0,
     "no ACPI power-management timer at port 0xb008, where Bochs has it"},
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
