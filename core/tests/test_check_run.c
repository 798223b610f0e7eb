/* SPDX-License-Identifier: MIT */
/* vcpu_run() names the wrong field where the CPU only says that one is. */
#include "check_fixture.h"

#include <string.h>

static enum vmx_failure failure;
static uint64_t error;
static uint32_t reason;

static enum vmx_failure fails(struct vcpu *vcpu)
{
    if (failure == VMX_SUCCEED)
        vcpu->stop =
            (struct vcpu_stop){.cause = STOP_ENTRY_FAILED, .exit_reason = reason, .text = "before"};
    else
        *simulated_field(VMCS_INSTRUCTION_ERROR) = error;
    return failure;
}

/* All three areas are wrong; the one that the CPU means is named, or none. */
static void run(enum vmx_failure how, uint64_t number, const char *text, const char *logged)
{
    static const struct change broken[] = {BE(CR3_TARGET_COUNT, 9), BE(HOST_CS_SELECTOR, 0),
                                           BE(GUEST_RFLAGS, 0)};

    check_start(LONG_MODE);
    check_change(broken, COUNT_OF(broken));
    simulated_log_clear();
    stub_guest = fails;
    failure = how;
    error = number;
    reason = (uint32_t)number;
    const struct vcpu_stop *stop = vcpu_run(fixture_vcpu);
    if (text)
        assert_non_null(strstr(stop->text, text));
    else
        assert_null(stop->text);
    if (logged)
        assert_true(simulated_log_has(logged));
    else
        assert_false(simulated_log_has("VM-entry check"));
}

static void the_field_is_named(void **state)
{
    (void)state;
    run(VMX_FAIL_VALID, 7,
        "VM entry with invalid control fields: CR3-target count: 27.2.1.1: not greater",
        "VM-entry check: CR3-target count = 0x9: 27.2.1.1: not greater");
    run(VMX_FAIL_VALID, 8,
        "VM entry with invalid host-state fields: host CS selector: 27.2.3: must not be 0",
        "VM-entry check: host CS selector = 0x0: 27.2.3");
    run(VMX_SUCCEED, 0x80000021, "before: guest RFLAGS: 27.3.1.4",
        "VM-entry check: guest RFLAGS = 0x0: 27.3.1.4: reserved bit 1 must be 1\n");
}

static void other_failures_are_not(void **state)
{
    (void)state;
    run(VMX_FAIL_VALID, 5, "VMRESUME with non-launched VMCS", NULL);
    run(VMX_FAIL_INVALID, 0, NULL, NULL);
    run(VMX_SUCCEED, 0x80000022, "before", NULL); /* MSR loading */
}

/* What is wrong is not always among what is checked: the CPU's own words stay. */
static void nothing_found(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    stub_guest = fails;
    failure = VMX_FAIL_VALID;
    error = 7;
    assert_string_equal(vcpu_run(fixture_vcpu)->text, "VM entry with invalid control fields");
    error = 8;
    assert_string_equal(vcpu_run(fixture_vcpu)->text, "VM entry with invalid host-state fields");
    assert_false(simulated_log_has("VM-entry check"));
}

/* Error 8 may also be of the controls that 27.2.4 ties to the host's mode. */
static void a_control_behind_error_8(void **state)
{
    (void)state;
    check_start(LONG_MODE);
    *simulated_field(VMCS_CR3_TARGET_COUNT) = 9;
    stub_guest = fails;
    failure = VMX_FAIL_VALID;
    error = 8;
    assert_non_null(strstr(vcpu_run(fixture_vcpu)->text, "27.2.1.1"));
}

/* No VMCS: nothing can be read, so there is nothing to complain of. */
static void without_a_vmcs(void **state)
{
    struct vmcs_fault fault;
    (void)state;
    simulated_cpu.current = NULL;
    assert_true(vmcs_check(&check_capability, &fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        check_test(the_field_is_named), check_test(other_failures_are_not),
        check_test(nothing_found),      check_test(a_control_behind_error_8),
        check_test(without_a_vmcs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
