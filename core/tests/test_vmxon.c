/* SPDX-License-Identifier: MIT */
/* Capabilities, and VMX operation in and out: every refusal, and that it leaves nothing behind. */
#include "tests.h"

#include "../vmx/vmxon.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

#include <string.h>

static struct vmx_cpu cpu;

/* vmx_enable() refuses with this text; CR0, CR4, MSRs and memory are as before. */
static void refuses(const char *text)
{
    uint64_t cr0 = simulated_cpu.cr0, cr4 = simulated_cpu.cr4;
    bool vmx_operation = simulated_cpu.vmx_operation;

    memset(&cpu, 0, sizeof(cpu));
    const char *refusal = vmx_enable(&cpu);
    assert_non_null(refusal);
    assert_string_equal(refusal, text);
    assert_int_equal(simulated_cpu.cr0, cr0);
    assert_int_equal(simulated_cpu.cr4, cr4);
    assert_int_equal(simulated_cpu.vmx_operation, vmx_operation);
    assert_int_equal(simulated_pages_held(), 0);
    assert_null(cpu.region);
    vmx_disable(&cpu); /* nothing to do, and nothing done */
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMXOFF], 0);
}

static void enable_and_disable(void **state)
{
    (void)state;
    assert_null(vmx_enable(&cpu));
    assert_true(simulated_cpu.vmx_operation);
    assert_true(simulated_cpu.cr4 & CR4_VMXE);
    assert_int_equal(platform_physical(cpu.region), simulated_cpu.vmxon_region);
    assert_int_equal(*(uint32_t *)cpu.region, 0x12);
    for (size_t i = 1; i < PAGE_SIZE / 4; i++)
        assert_int_equal(((uint32_t *)cpu.region)[i], 0);
    assert_int_equal(simulated_pages_held(), 2); /* and an area for the host's extended state */
    vmx_disable(&cpu);
    assert_false(simulated_cpu.vmx_operation);
    assert_false(simulated_cpu.cr4 & CR4_VMXE);
    assert_true(simulated_cpu.cr4 & CR4_OSXSAVE);
    vmx_disable(&cpu);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMXOFF], 1);
}

/* XSETBV on a guest's behalf needs it; a CPU without XSAVE has not got it, but FXSAVE. */
static void osxsave_is_set_and_taken_back(void **state)
{
    (void)state;
    simulated_cpu.cr4 &= ~CR4_OSXSAVE;
    assert_null(vmx_enable(&cpu));
    assert_int_equal(simulated_cpu.cr4, 0x20 | CR4_VMXE | CR4_OSXSAVE);
    assert_int_equal(cpu.capability.xcr0, 7);
    vmx_disable(&cpu);
    assert_int_equal(simulated_cpu.cr4, 0x20);

    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_XSAVE;
    assert_null(vmx_enable(&cpu));
    assert_int_equal(simulated_cpu.cr4, 0x20 | CR4_VMXE | CR4_OSFXSR);
    assert_int_equal(cpu.capability.xcr0, 0);
    vmx_disable(&cpu);
    assert_int_equal(simulated_cpu.cr4, 0x20);
}

static void disable_without_enable(void **state)
{
    (void)state;
    cpu = (struct vmx_cpu){0};
    vmx_disable(&cpu);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMXOFF], 0);
}

static void a_thousand_cycles(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++) {
        assert_null(vmx_enable(&cpu));
        vmx_disable(&cpu);
        assert_int_equal(simulated_pages_held(), 0);
    }
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMXON], 1000);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMXOFF], 1000);
}

static void busy(void **state)
{
    (void)state;
    simulated_cpu.cr4 |= CR4_VMXE;
    refuses("CR4.VMXE is already set: this CPU is, or may be, in VMX operation");
}

static void no_vmx(void **state)
{
    (void)state;
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_VMX;
    for (uint32_t msr = IA32_VMX_BASIC; msr <= IA32_VMX_LAST; msr++)
        simulated_msr_remove(msr);
    simulated_msr_remove(IA32_FEATURE_CONTROL);
    refuses("no VT-x here: CPUID.1:ECX[5] is 0 (no VMX in this CPU, or hidden by a hypervisor)");
}

static void disabled_by_firmware(void **state)
{
    (void)state;
    for (uint64_t bits = 1; bits < 0x10000; bits += 2) {
        simulated_msr(IA32_FEATURE_CONTROL)->value = bits;
        if (bits & FEATURE_CONTROL_VMX_OUTSIDE)
            continue;
        refuses("VT-x is disabled by firmware: IA32_FEATURE_CONTROL is locked with bit 2 clear");
    }
}

static void unlocked_feature_control_gets_locked(void **state)
{
    (void)state;
    for (uint64_t others = 0; others < 0x40000; others += 0x3332) {
        simulated_msr(IA32_FEATURE_CONTROL)->value = others & ~1ull;
        assert_null(vmx_enable(&cpu));
        assert_int_equal(simulated_msr(IA32_FEATURE_CONTROL)->value, others | 5);
        assert_int_equal(cpu.capability.feature_control, others | 5);
        vmx_disable(&cpu);
    }
}

static void locked_feature_control_is_not_written(void **state)
{
    (void)state;
    assert_null(vmx_enable(&cpu));
    vmx_disable(&cpu);
    assert_int_equal(simulated_cpu.wrmsrs, 0);
}

static void region_size(void **state)
{
    static const uint64_t bad[] = {0, 4097, 0x1fff};
    static const uint64_t good[] = {1, 1024, 4096};
    uint64_t *basic = &simulated_msr(IA32_VMX_BASIC)->value, others = *basic & ~(0x1fffull << 32);
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        *basic = others | bad[i] << 32;
        refuses("IA32_VMX_BASIC[44:32]: VMXON region size is not 1 to 4096");
    }
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        *basic = others | good[i] << 32;
        assert_null(vmx_enable(&cpu));
        vmx_disable(&cpu);
    }
}

static void memory_type(void **state)
{
    uint64_t *basic = &simulated_msr(IA32_VMX_BASIC)->value, others = *basic & ~(0xfull << 50);
    (void)state;
    for (uint64_t type = 0; type < 16; type++) {
        *basic = others | type << 50;
        if (type != 6)
            refuses("IA32_VMX_BASIC[53:50]: VMCS memory type is not write-back");
    }
}

static void narrow_addresses(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_BASIC)->value |= 1ull << 48;
    refuses("IA32_VMX_BASIC[48]: VMX structures are limited to 32-bit physical addresses");
}

static void fixed_cr0(void **state)
{
    static const uint64_t fixed0[] = {CR0_NE, CR0_PE, CR0_PG};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(fixed0); i++) {
        simulated_cpu.cr0 ^= fixed0[i];
        refuses("CR0 breaks IA32_VMX_CR0_FIXED0/1");
        simulated_cpu.cr0 ^= fixed0[i];
    }
    simulated_msr(IA32_VMX_CR0_FIXED1)->value &= ~CR0_WP;
    refuses("CR0 breaks IA32_VMX_CR0_FIXED0/1");
}

static void fixed_cr4(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_CR4_FIXED0)->value |= 1ull << 9;
    refuses("CR4 breaks IA32_VMX_CR4_FIXED0/1");
    simulated_msr(IA32_VMX_CR4_FIXED0)->value = CR4_VMXE;
    simulated_msr(IA32_VMX_CR4_FIXED1)->value &= ~CR4_OSXSAVE;
    refuses("CR4 breaks IA32_VMX_CR4_FIXED0/1");
}

static void no_memory(void **state)
{
    (void)state;
    simulated_pages_fail(1);
    refuses("no memory for the VMXON region");
    simulated_pages_fail(2);
    refuses("no memory for the host's extended state");
}

/* What the core can do nothing about. */
static void out_of_reach(void **state)
{
    (void)state;
    simulated_cpu_number_set(PLATFORM_CPUS_MAX);
    refuses("this CPU's number is beyond PLATFORM_CPUS_MAX");
    simulated_cpu_number_set(PLATFORM_CPUS_MAX - 1);
    simulated_cpu.cr0 |= CR0_TS;
    refuses("CR0.TS or CR0.EM is set: extended state is out of the core's reach");
    simulated_cpu.cr0 ^= CR0_TS | CR0_EM;
    refuses("CR0.TS or CR0.EM is set: extended state is out of the core's reach");
    simulated_cpu.cr0 ^= CR0_EM;
    assert_null(vmx_enable(&cpu));
    vmx_disable(&cpu);
}

static void vmxon_fails(void **state)
{
    (void)state;
    simulated_fail(SIMULATED_VMXON, 1, VMX_FAIL_INVALID, 0);
    refuses("VMXON failed: already in VMX operation, or the region was refused");
    simulated_fail(SIMULATED_VMXON, 1, VMX_FAIL_VALID, 15);
    refuses("VMXON failed: already in VMX operation, or the region was refused");
}

static void revision_leaves_bit_31_out(void **state)
{
    (void)state;
    simulated_msr(IA32_VMX_BASIC)->value |= 0xfffffff2;
    assert_null(vmx_enable(&cpu));
    assert_int_equal(*(uint32_t *)cpu.region, 0x7ffffff2);
    vmx_disable(&cpu);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(enable_and_disable),
        simulated_test(osxsave_is_set_and_taken_back),
        simulated_test(disable_without_enable),
        simulated_test(a_thousand_cycles),
        simulated_test(busy),
        simulated_test(no_vmx),
        simulated_test(disabled_by_firmware),
        simulated_test(unlocked_feature_control_gets_locked),
        simulated_test(locked_feature_control_is_not_written),
        simulated_test(region_size),
        simulated_test(memory_type),
        simulated_test(narrow_addresses),
        simulated_test(fixed_cr0),
        simulated_test(fixed_cr4),
        simulated_test(no_memory),
        simulated_test(out_of_reach),
        simulated_test(vmxon_fails),
        simulated_test(revision_leaves_bit_31_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
