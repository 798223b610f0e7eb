/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../vmx/vmcs.h"
#include "../vmx/vmxon.h"

#include <string.h>

static struct vmx_cpu cpu;
static struct vmcs vmcs;
static size_t held; /* by VMX operation alone */

static int enter_vmx(void **state)
{
    simulated_cpu_setup(state);
    vmcs = (struct vmcs){0};
    if (vmx_enable(&cpu))
        return -1;
    held = simulated_pages_held();
    return 0;
}

static int leave_vmx(void **state)
{
    vmx_disable(&cpu);
    return simulated_cpu_teardown(state);
}

static void life_cycle(void **state)
{
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x12));
    assert_int_equal(vmcs.physical, platform_physical(vmcs.region));
    assert_int_equal(*(uint32_t *)vmcs.region, 0x12);
    assert_null(simulated_cpu.current);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMCLEAR], 1);

    assert_true(vmcs_bind(&vmcs));
    assert_int_equal(simulated_cpu.current->physical, vmcs.physical);
    vmwrite(VMCS_GUEST_RIP, 0x123456789);
    assert_int_equal(vmread(VMCS_GUEST_RIP), 0x123456789);

    assert_true(vmcs_unbind(&vmcs));
    assert_null(simulated_cpu.current);
    assert_true(vmcs_bind(&vmcs));
    assert_int_equal(vmread(VMCS_GUEST_RIP), 0x123456789);

    vmcs_destroy(&vmcs); /* bound as it is */
    assert_null(simulated_cpu.current);
    assert_null(vmcs.region);
    assert_int_equal(simulated_pages_held(), held);
    vmcs_destroy(&vmcs);
}

static void two_of_them_keep_apart(void **state)
{
    struct vmcs other = {0};
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x12));
    assert_true(vmcs_create(&other, 0x12));
    assert_true(vmcs_bind(&vmcs));
    vmwrite(VMCS_GUEST_RSP, 1);
    assert_true(vmcs_bind(&other));
    vmwrite(VMCS_GUEST_RSP, 2);
    assert_true(vmcs_bind(&vmcs));
    assert_int_equal(vmread(VMCS_GUEST_RSP), 1);
    vmcs_destroy(&other);
    assert_int_equal(vmread(VMCS_GUEST_RSP), 1);
    vmcs_destroy(&vmcs);
}

static void destroy_of_nothing(void **state)
{
    (void)state;
    vmcs_destroy(&vmcs);
    assert_int_equal(simulated_cpu.executed[SIMULATED_VMCLEAR], 0);
}

static void a_shadow_bit_is_left_out(void **state)
{
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x80000012));
    assert_int_equal(*(uint32_t *)vmcs.region, 0x12);
    vmcs_destroy(&vmcs);
}

static void creation_fails(void **state)
{
    (void)state;
    simulated_pages_fail(1);
    assert_false(vmcs_create(&vmcs, 0x12));
    assert_null(vmcs.region);
    simulated_fail(SIMULATED_VMCLEAR, 1, VMX_FAIL_INVALID, 0);
    assert_false(vmcs_create(&vmcs, 0x12));
    assert_null(vmcs.region);
    assert_int_equal(simulated_pages_held(), held);
}

static void binding_fails(void **state)
{
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x13)); /* of another CPU model */
    assert_false(vmcs_bind(&vmcs));
    *(uint32_t *)vmcs.region = 0x12;
    simulated_fail(SIMULATED_VMPTRLD, 1, VMX_FAIL_VALID, 9);
    assert_false(vmcs_bind(&vmcs));
    assert_true(vmcs_bind(&vmcs));
    simulated_fail(SIMULATED_VMCLEAR, 1, VMX_FAIL_VALID, 2);
    assert_false(vmcs_unbind(&vmcs));
    assert_true(vmcs_unbind(&vmcs));
    vmcs_destroy(&vmcs);
}

static void a_write_that_succeeds_says_nothing(void **state)
{
    uint32_t first = VMCS_NO_FIELD;
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x12));
    assert_true(vmcs_bind(&vmcs));
    assert_true(vmcs_write(VMCS_GUEST_CR3, 0x1000, &first));
    assert_int_equal(first, VMCS_NO_FIELD);
    assert_int_equal(vmread(VMCS_GUEST_CR3), 0x1000);
    assert_string_equal(simulated_log(), "");
    vmcs_destroy(&vmcs);
}

static void a_write_that_fails_says_what(void **state)
{
    uint32_t first = VMCS_NO_FIELD;
    (void)state;
    assert_true(vmcs_create(&vmcs, 0x12));
    assert_true(vmcs_bind(&vmcs));
    assert_false(vmcs_write((enum vmcs_field)0x6830, 0xabcdef0123456789, &first));
    assert_int_equal(first, 0x6830);
    assert_string_equal(simulated_log(),
                        "VMWRITE of unknown field (0x6830) = 0xabcdef0123456789 failed: "
                        "VMREAD/VMWRITE from/to unsupported VMCS component\n");
    simulated_log_clear();
    assert_false(vmcs_write(VMCS_EXIT_REASON, 1, &first));
    assert_int_equal(first, 0x6830); /* still the first */
    assert_string_equal(simulated_log(), "VMWRITE of exit reason (0x4402) = 0x1 failed: "
                                         "VMWRITE to read-only VMCS component\n");
    simulated_log_clear();
    assert_true(vmcs_unbind(&vmcs));
    first = VMCS_NO_FIELD;
    assert_false(vmcs_write(VMCS_HOST_RIP, 2, &first));
    assert_int_equal(first, VMCS_HOST_RIP);
    assert_string_equal(
        simulated_log(),
        "VMWRITE of host RIP (0x6c16) = 0x2 failed: VMfailInvalid: no current VMCS\n");
    vmcs_destroy(&vmcs);
}

/* SDM Vol. 3C 31.4, table 31-1. */
static void instruction_error_names(void **state)
{
    static const uint64_t unassigned[] = {0, 14, 21, 27, 29, 30, 1000, UINT64_MAX};
    static const uint64_t assigned[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
                                        15, 16, 17, 18, 19, 20, 22, 23, 24, 25, 26, 28};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(unassigned); i++)
        assert_string_equal(vmx_instruction_error_name(unassigned[i]),
                            "unknown VM-instruction error");
    for (size_t i = 0; i < COUNT_OF(assigned); i++)
        assert_null(strstr(vmx_instruction_error_name(assigned[i]), "unknown"));
    assert_string_equal(vmx_instruction_error_name(5), "VMRESUME with non-launched VMCS");
    assert_string_equal(vmx_instruction_error_name(7), "VM entry with invalid control fields");
    assert_string_equal(vmx_instruction_error_name(8), "VM entry with invalid host-state fields");
    assert_string_equal(vmx_instruction_error_name(26), "VM entry with events blocked by MOV SS");
    assert_string_equal(vmx_instruction_error_name(28), "invalid operand to INVEPT/INVVPID");
}

#define vmx_test(function) cmocka_unit_test_setup_teardown(function, enter_vmx, leave_vmx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        vmx_test(life_cycle),
        vmx_test(two_of_them_keep_apart),
        vmx_test(destroy_of_nothing),
        vmx_test(a_shadow_bit_is_left_out),
        vmx_test(creation_fails),
        vmx_test(binding_fails),
        vmx_test(a_write_that_succeeds_says_nothing),
        vmx_test(a_write_that_fails_says_what),
        vmx_test(instruction_error_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
