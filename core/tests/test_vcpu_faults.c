/* SPDX-License-Identifier: MIT */
/*
 * The life of two vCPUs with one VMX instruction or one allocation in it made to fail, and that
 * each of them in turn. Such a failure has a name; the step that it hits, done again, succeeds; no
 * guest is entered with a VMCS that lacks anything; and nothing is left behind.
 */
#include "life_fixture.h"

#include "../vmx/vmcs_field.h"

#include <string.h>

static const char *const instructions[SIMULATED_INSTRUCTIONS] = {
    "VMXON", "VMXOFF", "VMCLEAR", "VMPTRLD", "VMREAD", "VMWRITE", "INVEPT", "INVVPID"};

static const struct life_step *step_now(void)
{
    return &life_steps[life.step];
}

/* Which instruction, which field, and the SDM's name of the error. */
static void expect_named(enum simulated_instruction which, uint64_t error, bool done)
{
    const char *why = simulated_cpu.failed.how == VMX_FAIL_VALID ? vmx_instruction_error_name(error)
                                                                 : "VMfailInvalid";
    const char *field = vmcs_field_name((uint32_t)simulated_cpu.failed.field);

    if (!simulated_log_has(instructions[which]) || !simulated_log_has(why))
        fail_msg("step \"%s\": no word of %s, %s in:\n%s", step_now()->name, instructions[which],
                 why, simulated_log());
    if (which != SIMULATED_VMREAD && which != SIMULATED_VMWRITE)
        return;
    assert_true(simulated_log_has(field));
    if (!done)
        assert_string_equal(life.said, field);
}

/* The host state is written as the vCPU is bound, and then again; but for these two. */
static bool is_bind(uint64_t field)
{
    return VMCS_FIELD_GROUP(field) == VMCS_GROUP_HOST && field != VMCS_HOST_RIP &&
           field != VMCS_HOST_RSP;
}

/* Behind a step in which a VMWRITE failed, and that is not done again: what of it must not be used.
 */
static void expect_unused(const struct life_step *step)
{
    struct vcpu *vcpu = step->take == life_apply_second || step->take == life_start_second ||
                                step->take == life_run_second
                            ? life.second
                            : life.first;

    if (step->take == life_stamp) {
        assert_int_equal(*simulated_field(VMCS_EXIT_MSR_STORE_COUNT), 0);
    } else if (step->take == life_count) {
        uint64_t exits = *simulated_field(VMCS_EXIT_CONTROLS);
        uint64_t entries = *simulated_field(VMCS_ENTRY_CONTROLS);
        assert_int_equal(exits, vcpu->controls[CONTROL_EXIT]);
        assert_int_equal(entries, vcpu->controls[CONTROL_ENTRY]);
        assert_false(exits & EXIT_LOAD_PERF_GLOBAL_CTRL || entries & ENTRY_LOAD_PERF_GLOBAL_CTRL);
    } else {
        const unsigned before = life.entered;
        assert_int_equal(vcpu_run(vcpu)->cause, STOP_VMCS_REFUSED);
        assert_string_equal(vcpu->stop.text, life.said);
        assert_int_equal(life.entered, before);
    }
}

/* Whether the failure of an instruction in that step is made good without a word. */
static bool is_made_good(enum simulated_instruction which)
{
    return which == SIMULATED_INVVPID || /* by another type of it, or by doing without a VPID */
           (which == SIMULATED_VMREAD &&
            step_now()->take == life_fail_to_enter); /* one rule less */
}

/* False if the life was over before that one. */
static bool live(enum simulated_instruction which, unsigned n, enum vmx_failure failure,
                 uint64_t error)
{
    bool failed = false;

    life_begin();
    life.expect_whole = true;
    simulated_fail(which, n, failure, error);
    for (life.step = 0; life.step < LIFE_STEPS; life.step++) {
        bool done = step_now()->take();
        if (!failed && simulated_cpu.failed.times) {
            failed = true;
            if (simulated_cpu.failed.unchecked)
                fail_msg("step \"%s\": %s is accessed unchecked", step_now()->name,
                         vmcs_field_name((uint32_t)simulated_cpu.failed.field));
            if (!done || !is_made_good(which))
                expect_named(which, error, done);
            if (!done && which == SIMULATED_VMWRITE && !is_bind(simulated_cpu.failed.field))
                expect_unused(step_now());
            if (!done && !step_now()->take())
                fail_msg("step \"%s\" fails again: %s\n%s", step_now()->name,
                         life.said ? life.said : "no word", simulated_log());
        } else if (!done) {
            fail_msg("step \"%s\" fails, and nothing was to: %s\n%s", step_now()->name,
                     life.said ? life.said : "no word", simulated_log());
        }
    }
    life_end();
    return failed;
}

static void nothing_fails(void)
{
    life_forget();
    assert_false(live(SIMULATED_VMXON, 0, VMX_SUCCEED, 0));
}

/* At least so many of them are there to fail. */
static void each_fails(enum simulated_instruction which, unsigned at_least)
{
    nothing_fails();
    for (int how = VMX_FAIL_INVALID; how <= VMX_FAIL_VALID; how++) {
        unsigned n = 1;
        while (live(which, n, (enum vmx_failure)how, 1 + n % 28))
            n++;
        if (n <= at_least)
            fail_msg("only %u of %s", n - 1, instructions[which]);
    }
}

static void vmxon_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMXON, 1);
}

static void vmclear_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMCLEAR, 8);
}

static void vmptrld_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMPTRLD, 5);
}

static void vmread_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMREAD, 50);
}

static void vmwrite_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_VMWRITE, 300);
}

static void invept_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_INVEPT, 3);
}

static void invvpid_fails(void **state)
{
    (void)state;
    each_fails(SIMULATED_INVVPID, 5);
}

/* The n-th allocation. What a step that fails has allocated, it gives back. */
static bool live_without(unsigned n)
{
    const unsigned own = 2; /* life_begin()'s */
    bool failed = false;

    life_begin();
    life.expect_whole = true;
    simulated_pages_fail(n);
    for (life.step = 0; life.step < LIFE_STEPS; life.step++) {
        size_t held = simulated_pages_held();
        bool done = step_now()->take();
        if (!failed && simulated_pages_calls() >= n + own) {
            failed = true;
            if (done)
                fail_msg("step \"%s\" does without memory", step_now()->name);
            if (!step_now()->keeps)
                assert_int_equal(simulated_pages_held(), held);
            if (step_now()->take == life_enable || step_now()->take == life_make_map)
                assert_non_null(strstr(life.said, "no memory for"));
            if (step_now()->take == life_create_first || step_now()->take == life_create_second)
                assert_true(simulated_log_has("vCPU: no"));
            done = step_now()->take();
        }
        if (!done)
            fail_msg("step \"%s\" fails: %s", step_now()->name, life.said ? life.said : "no word");
    }
    life_end();
    return failed;
}

static void allocations_fail(void **state)
{
    unsigned n = 1;

    (void)state;
    nothing_fails();
    while (live_without(n))
        n++;
    assert_true(n > 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vmxon_fails),   cmocka_unit_test(vmclear_fails),
        cmocka_unit_test(vmptrld_fails), cmocka_unit_test(vmread_fails),
        cmocka_unit_test(vmwrite_fails), cmocka_unit_test(invept_fails),
        cmocka_unit_test(invvpid_fails), cmocka_unit_test(allocations_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
