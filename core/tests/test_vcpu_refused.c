/* SPDX-License-Identifier: MIT */
/*
 * A guest that is made and started, and that is not entered: VMLAUNCH and VMRESUME fail, the CPU
 * does not take its registers, or nothing would wake it.
 */
#include "life_fixture.h"

#include "../x86/msr.h"

#include <string.h>

static void begin_with_a_guest(void)
{
    life_begin();
    for (life.step = 0; life_steps[life.step].take != life_run_first; life.step++)
        assert_true(life_steps[life.step].take());
}

static void end_with_it(void)
{
    assert_true(life_run_first());
    assert_true(life_destroy_first());
    assert_true(life_destroy_second());
    life_end();
}

/* The guest's registers do not all go into the CPU: it is not entered, and the host's come back. */
static void an_msr_refuses_the_guests_value(void **state)
{
    struct simulated_msr *lstar;
    unsigned before;

    (void)state;
    begin_with_a_guest();
    before = life.entered;
    lstar = simulated_msr(IA32_LSTAR);
    lstar->read_only = true;
    for (int again = 0; again < 2; again++) {
        assert_int_equal(vcpu_run(life.first)->cause, STOP_CPU_REFUSED);
        assert_int_equal(life.first->stop.value, IA32_LSTAR);
        assert_string_equal(life.first->stop.text, "an MSR refuses its value");
    }
    assert_int_equal(life.entered, before);
    lstar->read_only = false;
    resident_to_host();
    assert_int_equal(lstar->value, 0x8888);
    assert_int_equal(simulated_msr(IA32_STAR)->value, 0x7777);
    end_with_it();
}

/* Nothing will ever wake it: that is found before it is entered. */
static void a_guest_that_sleeps_for_good(void **state)
{
    unsigned before;

    (void)state;
    begin_with_a_guest();
    before = life.entered;
    life.first->events.halted = true;
    assert_int_equal(vcpu_run(life.first)->cause, STOP_HALTED);
    assert_int_equal(life.entered, before);
    end_with_it();
}

/* VMLAUNCH and VMRESUME with each error there is, and those that there are not. */
static void entries_fail(void **state)
{
    (void)state;
    begin_with_a_guest();
    for (uint64_t error = 0; error <= 64; error++) {
        life.entry_error = error;
        assert_true(life_fail_to_enter());
        assert_int_equal(life.first->stop.value, error);
        assert_non_null(strstr(life.first->stop.text, vmx_instruction_error_name(error)));
        if (error % 3) /* the next is a VMLAUNCH again, or a VMRESUME */
            assert_true(life_run_first());
        assert_true(life_run(life.first, VMX_FAIL_INVALID, STOP_ENTRY_INVALID));
    }
    end_with_it();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_msr_refuses_the_guests_value),
        cmocka_unit_test(a_guest_that_sleeps_for_good),
        cmocka_unit_test(entries_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
