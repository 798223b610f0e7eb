/* SPDX-License-Identifier: MIT */
#include "simulated_cpu.h"

#include "../../probes/probe_cpu.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "tests.h"

#include <stdio.h>
#include <string.h>

struct simulated_cpu simulated_cpu;

/* Where the counting build of the handlers puts what it counts (probes/count.h). */
struct probe_cpu simulated_probe_cpu;
struct record simulated_record;

/* Null, code, data, and a TSS whose base has four different parts: 0x89abcdef12345678. */
static const uint64_t gdt[] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x1200893456780067,
                               0x0000000089abcdef};
_Static_assert(SIMULATED_TSS_BASE == 0x89abcdef12345678, "as the GDT above has it");

void simulated_fault(const char *format, ...)
{
    if (!simulated_cpu.faults++) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(simulated_cpu.first_fault, sizeof(simulated_cpu.first_fault), format, arguments);
        va_end(arguments);
    }
}

/* MSRs of a Core i7-4770, but for IA32_VMX_MISC[29]: VMWRITE to read-only fields fails here. */
static const struct simulated_msr msrs_at_reset[] = {
    {IA32_APIC_BASE, false, 0xfee00900},
    {IA32_FEATURE_CONTROL, false, FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMX_OUTSIDE},
    {IA32_SYSENTER_CS, false, 0x1111},
    {IA32_SYSENTER_ESP, false, 0x2222},
    {IA32_SYSENTER_EIP, false, 0x3333},
    {IA32_DEBUGCTL, false, 0},
    {IA32_PAT, false, 0x0007010600070106},
    {IA32_VMX_BASIC, true, 0x00da040000000012},
    {IA32_VMX_PINBASED_CTLS, true, 0x0000007f00000016},
    {IA32_VMX_PROCBASED_CTLS, true, 0xfff9fffe0401e172},
    {IA32_VMX_EXIT_CTLS, true, 0x007fffff00036dff},
    {IA32_VMX_ENTRY_CTLS, true, 0x0000ffff000011ff},
    {IA32_VMX_MISC, true, 0x00000000100401e5},
    {IA32_VMX_CR0_FIXED0, true, 0x80000021},
    {IA32_VMX_CR0_FIXED1, true, 0xffffffff},
    {IA32_VMX_CR4_FIXED0, true, 0x2000},
    {IA32_VMX_CR4_FIXED1, true, 0x1727ff},
    {IA32_VMX_PROCBASED_CTLS2, true, 0x00007cff00000000},
    {IA32_VMX_EPT_VPID_CAP, true, 0x00000f0106334141},
    {IA32_VMX_TRUE_PINBASED_CTLS, true, 0x0000007f00000016},
    {IA32_VMX_TRUE_PROCBASED_CTLS, true, 0xfff9fffe04006172},
    {IA32_VMX_TRUE_EXIT_CTLS, true, 0x007fffff00036dfb},
    {IA32_VMX_TRUE_ENTRY_CTLS, true, 0x0000ffff000011fb},
    {IA32_EFER, false, EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE},
    {IA32_STAR, false, 0x7777},
    {IA32_LSTAR, false, 0x8888},
    {IA32_CSTAR, false, 0x9999},
    {IA32_FMASK, false, 0xaaaa},
    {IA32_FS_BASE, false, 0x4444},
    {IA32_GS_BASE, false, 0x5555},
    {IA32_KERNEL_GS_BASE, false, 0x6666},
    {IA32_TSC_AUX, false, 0x7a},
};

static const struct simulated_leaf leaves_at_reset[] = {
    {0, 0, {0xd, 0x756e6547, 0x6c65746e, 0x49656e69}},
    {1, 0, {0x000306c3, 0x07100800, 0x7ffafbff, 0xbfebfbff}},
    {4, 0, {0x1c004121, 0x01c0003f, 0x0000003f, 0}},
    {4, 1, {0x1c004122, 0x01c0003f, 0x0000003f, 0}},
    {7, 0, {0, 0x000027ab, 0, 0}},
    {0xb, 0, {1, 2, 0x100, 7}},
    {0xb, 1, {4, 8, 0x201, 7}},
    {0xd, 0, {7, 0x340, 0x340, 0}},
    {0xd, 1, {1, 0, 0, 0}},
    {0xd, 2, {0x100, 0x240, 0, 0}},
    {0x80000000, 0, {0x80000008, 0, 0, 0}},
    {0x80000001, 0, {0, 0, 0x21, 0x2c100800}},
    {0x80000002, 0, {0x756d6953, 0x6574616c, 0x50432064, 0x00000055}},
    {0x80000008, 0, {0x00003030, 0, 0, 0}},
};

void simulated_cpu_reset(void)
{
    struct simulated_cpu *cpu = &simulated_cpu;

    simulated_cpus_forget();
    memset(cpu, 0, sizeof(*cpu));
    memset(cpu->port_value, 0xff, sizeof(cpu->port_value));
    cpu->cr0 = 0x80010033;
    cpu->cr3 = 0x7654000;
    cpu->cr4 = 0x20 | CR4_OSXSAVE;
    cpu->dr6 = 0xffff0ff0;
    cpu->xcr0 = 1;
    cpu->extended.fcw = 0x37f;
    cpu->extended.mxcsr = 0x1f80;
    cpu->tsc = 1000;
    /* RPL and TI are set where a 64-bit host may have them: the VMCS must get them clear. */
    cpu->cs = 0x08;
    cpu->ss = 0x10;
    cpu->ds = 0x2b;
    cpu->es = 0x33;
    cpu->fs = 0x3b;
    cpu->gs = 0x47;
    cpu->tr = 0x18;
    cpu->gdtr = (struct descriptor_table_register){sizeof(gdt) - 1, (uintptr_t)gdt};
    cpu->idtr = (struct descriptor_table_register){0xfff, 0xfffffe0000000000};
    memcpy(cpu->msrs, msrs_at_reset, sizeof(msrs_at_reset));
    cpu->msr_count = sizeof(msrs_at_reset) / sizeof(msrs_at_reset[0]);
    memcpy(cpu->leaves, leaves_at_reset, sizeof(leaves_at_reset));
    cpu->leaf_count = sizeof(leaves_at_reset) / sizeof(leaves_at_reset[0]);
    memset(&simulated_record, 0, sizeof(simulated_record));
    simulated_probe_cpu = (struct probe_cpu){.next = &simulated_record, .end = &simulated_record};
}

struct simulated_msr *simulated_msr(uint32_t index)
{
    for (size_t i = 0; i < simulated_cpu.msr_count; i++)
        if (simulated_cpu.msrs[i].index == index)
            return &simulated_cpu.msrs[i];
    return NULL;
}

void simulated_msr_set(uint32_t index, uint64_t value)
{
    struct simulated_msr *msr = simulated_msr(index);
    if (!msr) {
        assert_true(simulated_cpu.msr_count < SIMULATED_MSRS_MAX);
        msr = &simulated_cpu.msrs[simulated_cpu.msr_count++];
        *msr = (struct simulated_msr){.index = index};
    }
    msr->value = value;
}

void simulated_msr_remove(uint32_t index)
{
    struct simulated_msr *msr = simulated_msr(index);
    if (msr)
        *msr = simulated_cpu.msrs[--simulated_cpu.msr_count];
}

bool x86_rdmsr_checked(uint32_t index, uint32_t *low, uint32_t *high)
{
    const struct simulated_msr *msr = simulated_msr(index);
    simulated_cpu.rdmsrs++;
    if (!msr || simulated_access_faults(index, false))
        return false;
    *low = (uint32_t)msr->value;
    *high = (uint32_t)(msr->value >> 32);
    return true;
}

bool x86_wrmsr_checked(uint32_t index, uint32_t low, uint32_t high)
{
    struct simulated_accesses *accesses = &simulated_cpu.accesses;
    struct simulated_msr *msr = simulated_msr(index);
    uint64_t value = (uint64_t)high << 32 | low;
    bool keep;

    simulated_cpu.wrmsrs++;
    if (!msr || msr->read_only ||
        (index == IA32_FEATURE_CONTROL && msr->value & FEATURE_CONTROL_LOCK))
        return false;
    if (simulated_access_faults(index, true) || !simulated_performance_write(index, &value, &keep))
        return false;
    if (accesses->write_count < SIMULATED_WRITES_MAX)
        accesses->writes[accesses->write_count++] = (struct simulated_write){index, value};
    if (keep)
        msr->value = value;
    return true;
}

uint64_t x86_rdmsr(uint32_t index)
{
    uint32_t low = 0, high = 0;
    if (!x86_rdmsr_checked(index, &low, &high))
        simulated_fault("RDMSR of 0x%x raised #GP", index);
    return (uint64_t)high << 32 | low;
}

void x86_wrmsr(uint32_t index, uint64_t value)
{
    if (!x86_wrmsr_checked(index, (uint32_t)value, (uint32_t)(value >> 32)))
        simulated_fault("WRMSR of 0x%x raised #GP", index);
}

struct cpuid_registers *simulated_leaf(uint32_t leaf, uint32_t subleaf)
{
    struct simulated_cpu *cpu = &simulated_cpu;
    for (size_t i = 0; i < cpu->leaf_count; i++)
        if (cpu->leaves[i].leaf == leaf && cpu->leaves[i].subleaf == subleaf)
            return &cpu->leaves[i].registers;
    assert_true(cpu->leaf_count < SIMULATED_LEAVES_MAX);
    cpu->leaves[cpu->leaf_count] = (struct simulated_leaf){.leaf = leaf, .subleaf = subleaf};
    return &cpu->leaves[cpu->leaf_count++].registers;
}

struct cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    const struct simulated_cpu *cpu = &simulated_cpu;
    struct cpuid_registers r = {0};
    uint32_t last = leaf < 0x80000000 ? cpu->leaves[0].registers.eax : 0x80000008;

    /* Behind the last leaf, Intel CPUs answer as for the last basic one. */
    if (leaf > last)
        leaf = cpu->leaves[0].registers.eax;
    for (size_t i = 0; i < cpu->leaf_count; i++) {
        const struct simulated_leaf *l = &cpu->leaves[i];
        bool has_subleaves = leaf == 4 || leaf == 7 || leaf == 0xb || leaf == 0xd;
        if (l->leaf == leaf && (l->subleaf == subleaf || !has_subleaves))
            r = l->registers;
    }
    if (leaf == 1 && !(cpu->cr4 & CR4_OSXSAVE))
        r.ecx &= ~CPUID_1_ECX_OSXSAVE;
    return r;
}

void x86_cpuid_extended(uint32_t leaf, uint32_t subleaf, uint64_t *rax, uint64_t *rbx,
                        uint64_t *rcx, uint64_t *rdx)
{
    struct cpuid_registers r = x86_cpuid(leaf, subleaf);
    *rax = r.eax;
    *rbx = r.ebx;
    *rcx = r.ecx;
    *rdx = r.edx;
}
