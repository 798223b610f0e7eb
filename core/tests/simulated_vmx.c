/* SPDX-License-Identifier: MIT */
/* VMX instructions of the simulated CPU, as SDM Vol. 3C chapter 31 tells their operation. */
#include "simulated_cpu.h"

#include "../vmx/vmcs_field.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "simulated_platform.h"

#include <string.h>

#define PHYSICAL_WIDTH    48
#define EPT_CAP_INVEPT    (1ull << 20)
#define EPT_CAP_INVVPID   (1ull << 32)
#define INSTRUCTION_ERROR SIMULATED_FIELD_AT(VMCS_INSTRUCTION_ERROR)

static uint64_t msr(uint32_t index)
{
    const struct simulated_msr *m = simulated_msr(index);
    return m ? m->value : 0;
}

void simulated_fail(enum simulated_instruction instruction, unsigned n, enum vmx_failure failure,
                    uint64_t error)
{
    simulated_cpu.failing[instruction].countdown = n;
    simulated_cpu.failing[instruction].failure = failure;
    simulated_cpu.failing[instruction].error = error;
    simulated_cpu.failed.times = 0;
    simulated_cpu.failed.unchecked = false;
}

static enum vmx_failure vmfail(uint64_t error)
{
    if (!simulated_cpu.current)
        return VMX_FAIL_INVALID;
    simulated_cpu.current->fields[INSTRUCTION_ERROR] = error;
    return VMX_FAIL_VALID;
}

/* Counts the instruction; true if it is to fail, in the way that *failure says. */
static bool fails(enum simulated_instruction instruction, enum vmx_failure *failure)
{
    simulated_cpu.executed[instruction]++;
    if (!simulated_cpu.vmx_operation && instruction != SIMULATED_VMXON) {
        simulated_fault("VMX instruction %d outside VMX operation raised #UD", (int)instruction);
        *failure = VMX_FAIL_INVALID;
        return true;
    }
    if (!simulated_cpu.failing[instruction].countdown ||
        --simulated_cpu.failing[instruction].countdown)
        return false;
    simulated_cpu.failed.times++;
    *failure = simulated_cpu.failing[instruction].failure;
    if (*failure == VMX_FAIL_VALID)
        *failure = vmfail(simulated_cpu.failing[instruction].error);
    simulated_cpu.failed.how = *failure;
    return true;
}

static bool is_page(uint64_t physical)
{
    return !(physical % PAGE_SIZE) && !(physical >> PHYSICAL_WIDTH);
}

static bool has_revision(uint64_t physical)
{
    if (!simulated_is_allocated(physical)) {
        simulated_fault("a VMX region is not memory");
        return false;
    }
    return *(const uint32_t *)platform_at(physical) == (msr(IA32_VMX_BASIC) & 0x7fffffff);
}

static bool respects(uint64_t value, uint64_t fixed0, uint64_t fixed1)
{
    return (value & fixed0) == fixed0 && !(value & ~fixed1);
}

enum vmx_failure x86_vmxon(uint64_t region)
{
    const uint64_t wanted = FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE;
    struct simulated_cpu *cpu = &simulated_cpu;
    enum vmx_failure failure;

    if (fails(SIMULATED_VMXON, &failure))
        return failure;
    if (!(cpu->cr4 & CR4_VMXE)) {
        simulated_fault("VMXON with CR4.VMXE clear raised #UD");
        return VMX_FAIL_INVALID;
    }
    if (cpu->vmx_operation)
        return vmfail(15);
    if ((msr(IA32_FEATURE_CONTROL) & wanted) != wanted ||
        !respects(cpu->cr0, msr(IA32_VMX_CR0_FIXED0), msr(IA32_VMX_CR0_FIXED1)) ||
        !respects(cpu->cr4, msr(IA32_VMX_CR4_FIXED0), msr(IA32_VMX_CR4_FIXED1))) {
        simulated_fault("VMXON raised #GP");
        return VMX_FAIL_INVALID;
    }
    if (!is_page(region) || !has_revision(region))
        return VMX_FAIL_INVALID;
    cpu->vmx_operation = true;
    cpu->vmxon_region = region;
    cpu->current = NULL;
    return VMX_SUCCEED;
}

static bool active_here(const struct simulated_vmcs *vmcs)
{
    return vmcs->active && vmcs->cpu == simulated_cpu.number;
}

/* SDM Vol. 3C 25.11.1: software must not load or clear here what is active on another CPU. */
static void expect_not_elsewhere(const struct simulated_vmcs *vmcs)
{
    if (vmcs->active && vmcs->cpu != simulated_cpu.number)
        simulated_fault("CPU %u touches a VMCS that is active on CPU %u", simulated_cpu.number,
                        vmcs->cpu);
}

void x86_vmxoff(void)
{
    enum vmx_failure failure;

    if (fails(SIMULATED_VMXOFF, &failure))
        return;
    for (int i = 0; i < SIMULATED_VMCS_MAX; i++)
        if (active_here(&simulated_cpu.vmcs[i]))
            simulated_fault("VMXOFF with a VMCS that is still active");
    simulated_cpu.vmx_operation = false;
    simulated_cpu.vmxon_region = 0;
    simulated_cpu.current = NULL;
}

/* The VMCS at an address; made, with every field 0, where there was none. */
static struct simulated_vmcs *vmcs_at(uint64_t physical)
{
    struct simulated_vmcs *unused = NULL;

    for (int i = 0; i < SIMULATED_VMCS_MAX; i++) {
        if (simulated_cpu.vmcs[i].physical == physical)
            return &simulated_cpu.vmcs[i];
        if (!simulated_cpu.vmcs[i].physical)
            unused = &simulated_cpu.vmcs[i];
    }
    if (!unused) {
        simulated_fault("more VMCSs than the simulated CPU keeps");
        return &simulated_cpu.vmcs[0];
    }
    memset(unused, 0, sizeof(*unused));
    unused->physical = physical;
    return unused;
}

void simulated_vmx_forget(uint64_t physical, uint64_t bytes)
{
    struct simulated_cpu *cpu = &simulated_cpu;

    if (cpu->vmx_operation && cpu->vmxon_region - physical < bytes)
        simulated_fault("the VMXON region is freed in VMX operation");
    for (int i = 0; i < SIMULATED_VMCS_MAX; i++)
        if (cpu->vmcs[i].physical && cpu->vmcs[i].physical - physical < bytes) {
            if (cpu->vmcs[i].active)
                simulated_fault("a VMCS is freed that is still active");
            memset(&cpu->vmcs[i], 0, sizeof(cpu->vmcs[i]));
        }
}

enum vmx_failure x86_vmclear(uint64_t region)
{
    enum vmx_failure failure;

    if (fails(SIMULATED_VMCLEAR, &failure))
        return failure;
    if (!is_page(region))
        return vmfail(2);
    if (region == simulated_cpu.vmxon_region)
        return vmfail(3);
    struct simulated_vmcs *vmcs = vmcs_at(region);
    expect_not_elsewhere(vmcs);
    vmcs->active = vmcs->launched = false;
    if (simulated_cpu.current == vmcs)
        simulated_cpu.current = NULL;
    return VMX_SUCCEED;
}

enum vmx_failure x86_vmptrld(uint64_t region)
{
    enum vmx_failure failure;

    if (fails(SIMULATED_VMPTRLD, &failure))
        return failure;
    if (!is_page(region))
        return vmfail(9);
    if (region == simulated_cpu.vmxon_region)
        return vmfail(10);
    if (!has_revision(region))
        return vmfail(11);
    struct simulated_vmcs *vmcs = vmcs_at(region);
    expect_not_elsewhere(vmcs);
    vmcs->active = true;
    vmcs->cpu = simulated_cpu.number;
    simulated_cpu.current = vmcs;
    return VMX_SUCCEED;
}

enum vmx_failure x86_invept(uint64_t type, struct invalidation_descriptor what)
{
    uint64_t capability = msr(IA32_VMX_EPT_VPID_CAP);
    enum vmx_failure failure;

    if (fails(SIMULATED_INVEPT, &failure))
        return failure;
    if (!(capability & EPT_CAP_INVEPT)) {
        simulated_fault("INVEPT raised #UD");
        return VMX_FAIL_INVALID;
    }
    if (type < 1 || type > 2 || !(capability >> (24 + type) & 1))
        return vmfail(28);
    /* An EPT pointer as VM entry would take it: write-back, four levels. */
    if (type == 1 && (what.selector & 0xfff & ~0x40ull) != 0x1e)
        return vmfail(28);
    simulated_cpu.invept = what;
    simulated_cpu.invept_type = type;
    return VMX_SUCCEED;
}

enum vmx_failure x86_invvpid(uint64_t type, struct invalidation_descriptor what)
{
    uint64_t capability = msr(IA32_VMX_EPT_VPID_CAP);
    enum vmx_failure failure;

    if (fails(SIMULATED_INVVPID, &failure))
        return failure;
    if (!(capability & EPT_CAP_INVVPID)) {
        simulated_fault("INVVPID raised #UD");
        return VMX_FAIL_INVALID;
    }
    if (type > 3 || !(capability >> (40 + type) & 1) || what.selector >> 16 ||
        (type != 2 && !what.selector))
        return vmfail(28);
    simulated_cpu.invvpid = what;
    simulated_cpu.invvpid_type = type;
    return VMX_SUCCEED;
}
