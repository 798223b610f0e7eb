/* SPDX-License-Identifier: MIT */
/* The simulated CPU itself: a test that it lets everything through would prove nothing. */
#include "tests.h"

#include "../vmx/vmcs_field.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

static uint32_t *region, *other;

static uint64_t region_at(uint32_t *memory)
{
    return platform_physical(memory);
}

static int allocate_regions(void **state)
{
    simulated_cpu_setup(state);
    region = platform_pages_allocate(1, PAGE_SIZE);
    other = platform_pages_allocate(1, PAGE_SIZE);
    region[0] = other[0] = 0x12;
    return 0;
}

static int free_regions(void **state)
{
    if (simulated_cpu.vmx_operation) {
        x86_vmclear(region_at(other));
        x86_vmxoff();
    }
    platform_pages_free(region, 1);
    platform_pages_free(other, 1);
    return simulated_cpu_teardown(state);
}

static void enter(void)
{
    simulated_cpu.cr4 |= CR4_VMXE;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_SUCCEED);
}

static void vmxon_is_particular(void **state)
{
    (void)state;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID);
    expect_fault(); /* CR4.VMXE */
    simulated_cpu.cr4 |= CR4_VMXE;
    simulated_msr(IA32_FEATURE_CONTROL)->value = 1;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID);
    expect_fault();
    simulated_msr(IA32_FEATURE_CONTROL)->value = 5;
    simulated_cpu.cr0 ^= CR0_NE;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID);
    expect_fault();
    simulated_cpu.cr0 ^= CR0_NE;
    assert_int_equal(x86_vmxon(region_at(region) + 8), VMX_FAIL_INVALID);
    assert_int_equal(x86_vmxon(1ull << 48), VMX_FAIL_INVALID);
    region[0] = 0x13;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID);
    region[0] = 0x80000012;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID);
    region[0] = 0x12;
    assert_int_equal(x86_vmxon(region_at(region)), VMX_SUCCEED);
    assert_int_equal(x86_vmxon(region_at(region)), VMX_FAIL_INVALID); /* no current VMCS */
    x86_write_cr4(simulated_cpu.cr4 & ~CR4_VMXE);
    expect_fault();
}

static void outside_vmx_operation(void **state)
{
    uint64_t value;
    (void)state;
    x86_vmxoff();
    expect_fault();
    x86_vmclear(region_at(other));
    expect_fault();
    x86_vmptrld(region_at(other));
    expect_fault();
    x86_vmread_checked(VMCS_GUEST_RIP, &value);
    expect_fault();
    x86_vmwrite_checked(VMCS_GUEST_RIP, 0);
    expect_fault();
    x86_invept(1, (struct invalidation_descriptor){0x1e, 0});
    expect_fault();
}

static void expect_error(enum vmx_failure failure, uint64_t error)
{
    uint64_t value = 0;
    assert_int_equal(failure, VMX_FAIL_VALID);
    assert_int_equal(x86_vmread_checked(VMCS_INSTRUCTION_ERROR, &value), VMX_SUCCEED);
    assert_int_equal(value, error);
}

static void failures_by_number(void **state)
{
    const struct invalidation_descriptor no_pointer = {0x1000, 0}, vpid = {1, 0}, vpid_0 = {0, 0};
    (void)state;
    enter();
    assert_int_equal(x86_vmptrld(region_at(other) + 1), VMX_FAIL_INVALID);
    assert_int_equal(x86_vmptrld(region_at(other)), VMX_SUCCEED);
    expect_error(x86_vmclear(region_at(other) + 64), 2);
    expect_error(x86_vmclear(region_at(region)), 3);
    expect_error(x86_vmptrld(1ull << 50), 9);
    expect_error(x86_vmptrld(region_at(region)), 10);
    other[0] = 0x11;
    expect_error(x86_vmptrld(region_at(other)), 11);
    expect_error(x86_vmwrite_checked(0x6830, 0), 12);
    expect_error(x86_vmwrite_checked(1ull << 32 | VMCS_GUEST_RIP, 0), 12);
    expect_error(x86_vmwrite_checked(VMCS_EXIT_REASON, 0), 13);
    expect_error(x86_vmxon(region_at(region)), 15);
    expect_error(x86_invept(1, no_pointer), 28);
    expect_error(x86_invept(3, no_pointer), 28);
    expect_error(x86_invvpid(0, vpid_0), 28);
    assert_int_equal(x86_invept(2, no_pointer), VMX_SUCCEED);
    assert_int_equal(x86_invvpid(1, vpid), VMX_SUCCEED);
    simulated_msr(IA32_VMX_MISC)->value |= 1ull << 29;
    assert_int_equal(x86_vmwrite_checked(VMCS_EXIT_REASON, 7), VMX_SUCCEED);
    assert_int_equal(x86_vmread(VMCS_EXIT_REASON), 7);
}

static void widths(void **state)
{
    (void)state;
    enter();
    assert_int_equal(x86_vmptrld(region_at(other)), VMX_SUCCEED);
    x86_vmwrite(VMCS_GUEST_CS_SELECTOR, 0x123456789);
    assert_int_equal(x86_vmread(VMCS_GUEST_CS_SELECTOR), 0x6789);
    x86_vmwrite(VMCS_GUEST_CS_LIMIT, 0x123456789);
    assert_int_equal(x86_vmread(VMCS_GUEST_CS_LIMIT), 0x23456789);
    x86_vmwrite(VMCS_GUEST_PAT, 0x1122334455667788);
    assert_int_equal(x86_vmread(VMCS_GUEST_PAT + 1), 0x11223344);
    x86_vmwrite(VMCS_GUEST_PAT + 1, 0x99);
    assert_int_equal(x86_vmread(VMCS_GUEST_PAT), 0x9955667788);
    x86_vmread(VMCS_GUEST_RIP + 1);
    expect_fault();
}

static void no_current_vmcs(void **state)
{
    uint64_t value;
    (void)state;
    enter();
    assert_int_equal(x86_vmread_checked(VMCS_GUEST_RIP, &value), VMX_FAIL_INVALID);
    assert_int_equal(x86_vmwrite_checked(VMCS_GUEST_RIP, 0), VMX_FAIL_INVALID);
    x86_vmread(VMCS_GUEST_RIP);
    expect_fault();
    x86_vmwrite(VMCS_GUEST_RIP, 0);
    expect_fault();
}

static void memory_in_use(void **state)
{
    (void)state;
    enter();
    assert_int_equal(x86_vmptrld(region_at(other)), VMX_SUCCEED);
    x86_vmxoff();
    expect_fault(); /* a VMCS is active */
    enter();
    platform_pages_free(other, 1);
    expect_fault();
    other = platform_pages_allocate(1, PAGE_SIZE);
    simulated_cpu.current = NULL;
    platform_pages_free(region, 1);
    expect_fault();
    region = platform_pages_allocate(1, PAGE_SIZE);
    platform_pages_free((char *)region + 8, 1);
    expect_fault();
    platform_at(0x1000);
    expect_fault();
    platform_physical(&state);
    expect_fault();
}

static void a_vmcs_on_two_cpus(void **state)
{
    (void)state;
    enter();
    assert_int_equal(x86_vmptrld(region_at(other)), VMX_SUCCEED);
    simulated_cpu_number_set(1);
    assert_false(simulated_cpu.vmx_operation || simulated_cpu.cr4 & CR4_VMXE);
    assert_null(simulated_cpu.current);
    uint32_t *second = platform_pages_allocate(1, PAGE_SIZE);
    second[0] = 0x12;
    simulated_cpu.cr4 |= CR4_VMXE;
    assert_int_equal(x86_vmxon(platform_physical(second)), VMX_SUCCEED);
    x86_vmptrld(region_at(other));
    expect_fault();
    simulated_cpu_number_set(0);
    x86_vmclear(region_at(other));
    expect_fault(); /* the fault above has made it CPU 1's */
    x86_vmxoff();
    simulated_cpu_number_set(1);
    x86_vmxoff();
    platform_pages_free(second, 1);
}

static void failures_on_demand(void **state)
{
    (void)state;
    enter();
    assert_int_equal(x86_vmptrld(region_at(other)), VMX_SUCCEED);
    simulated_fail(SIMULATED_VMWRITE, 3, VMX_FAIL_VALID, 12);
    assert_int_equal(x86_vmwrite_checked(VMCS_GUEST_RIP, 1), VMX_SUCCEED);
    assert_int_equal(x86_vmwrite_checked(VMCS_GUEST_RIP, 2), VMX_SUCCEED);
    expect_error(x86_vmwrite_checked(VMCS_GUEST_RIP, 3), 12);
    assert_int_equal(x86_vmwrite_checked(VMCS_GUEST_RIP, 4), VMX_SUCCEED);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMWRITE], 4);
    simulated_pages_fail(2);
    void *page = platform_pages_allocate(1, PAGE_SIZE);
    assert_non_null(page);
    assert_null(platform_pages_allocate(1, PAGE_SIZE));
    platform_pages_free(page, 1);
}

static void msrs(void **state)
{
    (void)state;
    x86_rdmsr(0x9999);
    expect_fault();
    x86_wrmsr(0x9999, 0);
    expect_fault();
    x86_wrmsr(IA32_VMX_BASIC, 0);
    expect_fault();
    x86_wrmsr(IA32_FEATURE_CONTROL, 5); /* locked */
    expect_fault();
    x86_write_cr4(1ull << 40);
    expect_fault();
}

#define cpu_test(function) cmocka_unit_test_setup_teardown(function, allocate_regions, free_regions)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cpu_test(vmxon_is_particular), cpu_test(outside_vmx_operation),
        cpu_test(failures_by_number),  cpu_test(widths),
        cpu_test(no_current_vmcs),     cpu_test(memory_in_use),
        cpu_test(failures_on_demand),  cpu_test(msrs),
        cpu_test(a_vmcs_on_two_cpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
