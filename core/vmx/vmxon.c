/* SPDX-License-Identifier: MIT */
#include "vmxon.h"

#include "../platform.h"
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "resident_state.h"
#include "vmcs.h"

/* Every bit of fixed0 set, none outside fixed1 (SDM Vol. 3D appendix A.7, A.8). */
static bool respects(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
    return (value & fixed0) == fixed0 && !(value & ~fixed1);
}

static const char *basic_refusal(uint64_t basic)
{
    uint64_t size = basic >> 32 & 0x1fff;

    if (size == 0 || size > PAGE_SIZE)
        return "IA32_VMX_BASIC[44:32]: VMXON region size is not 1 to 4096";
    if ((basic >> 50 & 0xf) != 6)
        return "IA32_VMX_BASIC[53:50]: VMCS memory type is not write-back";
    if (basic & 1ull << 48)
        return "IA32_VMX_BASIC[48]: VMX structures are limited to 32-bit physical addresses";
    return NULL;
}

const char *vmx_enable(struct vmx_cpu *cpu)
{
    uint64_t old_cr4 = x86_read_cr4();
    if (old_cr4 & CR4_VMXE)
        return "CR4.VMXE is already set: this CPU is, or may be, in VMX operation";
    const char *refusal = vmx_absent();
    if (refusal)
        return refusal;

    uint64_t feature_control = x86_rdmsr(IA32_FEATURE_CONTROL);
    if (!(feature_control & FEATURE_CONTROL_LOCK))
        x86_wrmsr(IA32_FEATURE_CONTROL,
                  feature_control | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE);

    struct vmx_capability *capability = &cpu->capability;
    vmx_capability_read(capability);
    refusal = basic_refusal(capability->basic);
    if (refusal)
        return refusal;
    if (!respects(x86_read_cr0(), capability->cr0_fixed0, capability->cr0_fixed1))
        return "CR0 breaks IA32_VMX_CR0_FIXED0/1";
    uint64_t cr4 = old_cr4 | CR4_VMXE;
    /* For XSETBV on a guest's behalf, and to move extended state; that takes one of the two. */
    cr4 |= capability->xcr0 ? CR4_OSXSAVE : CR4_OSFXSR;
    if (!respects(cr4, capability->cr4_fixed0, capability->cr4_fixed1))
        return "CR4 breaks IA32_VMX_CR4_FIXED0/1";

    uint32_t *region = platform_pages_allocate(1, PAGE_SIZE);
    if (!region)
        return "no memory for the VMXON region";
    region[0] = vmx_revision(capability);

    x86_write_cr4(cr4);
    refusal = resident_start(capability);
    if (!refusal && !vmx_succeeded("VMXON", x86_vmxon(platform_physical(region)))) {
        resident_end();
        refusal = "VMXON failed: already in VMX operation, or the region was refused";
    }
    if (refusal) {
        x86_write_cr4(old_cr4);
        platform_pages_free(region, 1);
        return refusal;
    }
    cpu->region = region;
    cpu->cr4_added = cr4 & ~old_cr4;
    return NULL;
}

void vmx_disable(struct vmx_cpu *cpu)
{
    if (!cpu->region)
        return;
    resident_end();
    x86_vmxoff();
    x86_write_cr4(x86_read_cr4() & ~cpu->cr4_added);
    platform_pages_free(cpu->region, 1);
    cpu->region = NULL;
}
