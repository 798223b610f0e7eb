/* SPDX-License-Identifier: MIT */
/* INVEPT: as often as it is owed, and not once more. */
#include "ept_fixture.h"

#include "../x86/msr.h"

/* Once an entry to the guest, if it is owed to that CPU. */
static void invept_when_owed(void **state)
{
    struct ept_seen first = {0}, second = {0};
    (void)state;
    simulated_vmcs_current();
    assert_null(ept_create(&ept, &whole));
    assert_true(ept_use(&ept, &first) && ept_use(&ept, &first));
    assert_int_equal(invepts(), 1); /* the tables may have been another map's */
    assert_true(ept_map(&ept, 0, 0, 4 * MIB, EPT_ALL));
    assert_true(ept_protect(&ept, 0, 4 * MIB, EPT_ALL));
    assert_true(ept_unmap(&ept, 8 * MIB, 2 * MIB));
    assert_true(ept_split(&ept, 0, 2 * MIB));
    assert_true(ept_use(&ept, &first));
    assert_int_equal(invepts(), 1); /* nothing was taken away */

    assert_true(ept_protect(&ept, 0, PAGE_SIZE, EPT_READ));
    assert_true(ept_unmap(&ept, PAGE_SIZE, PAGE_SIZE));
    assert_int_equal(invepts(), 1);
    assert_true(ept_use(&ept, &first) && ept_use(&ept, &first));
    assert_int_equal(invepts(), 2);
    assert_true(ept_protect(&ept, 0, PAGE_SIZE, EPT_ALL));
    assert_true(ept_use(&ept, &first));
    assert_int_equal(invepts(), 2); /* more access than before */

    assert_true(ept_use(&ept, &second) && ept_use(&ept, &second));
    assert_int_equal(invepts(), 3);
    simulated_cpu_number_set(2);
    simulated_vmcs_current();
    assert_true(ept_use(&ept, &first) && ept_use(&ept, &first));
    assert_int_equal(invepts(), 4); /* what that CPU has cached, nobody knows */
    simulated_cpu_number_set(0);
    assert_true(ept_use(&ept, &first));
    assert_int_equal(invepts(), 5);
    assert_int_equal(*simulated_field(VMCS_INSTRUCTION_ERROR), 0);
    ept_destroy(&ept);
}

static void invept_that_fails_stays_owed(void **state)
{
    struct ept_seen seen = {0};
    (void)state;
    simulated_vmcs_current();
    assert_null(ept_create(&ept, &whole));
    simulated_fail(SIMULATED_INVEPT, 1, VMX_FAIL_VALID, 28);
    assert_false(ept_use(&ept, &seen));
    assert_true(ept_use(&ept, &seen));
    assert_int_equal(invepts(), 2);
    ept_destroy(&ept);
}

/* By single context, else all; without either, nothing is ever taken away. */
static void kinds_of_invept(void **state)
{
    struct vmx_capability capability = with_2m;
    struct ept_seen seen = {0};
    (void)state;
    simulated_vmcs_current();
    capability.ept_vpid |= EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL;
    simulated_msr(IA32_VMX_EPT_VPID_CAP)->value = capability.ept_vpid;
    assert_null(ept_create(&ept, &capability));
    assert_true(ept_use(&ept, &seen));
    assert_int_equal(invepts(), 1);
    ept_destroy(&ept);
    for (int i = 0; i < 2; i++) {
        uint8_t bits;
        capability.ept_vpid = WALK_4_2M | EPT_CAP_ACCESSED_DIRTY | (i ? EPT_CAP_INVEPT : 0);
        seen = (struct ept_seen){0};
        assert_null(ept_create(&ept, &capability));
        assert_true(ept_map(&ept, 0, 0, PAGE_SIZE, EPT_ALL));
        assert_false(ept_unmap(&ept, 0, PAGE_SIZE));
        assert_false(ept_protect(&ept, 0, PAGE_SIZE, EPT_READ));
        assert_false(ept_take_flags(&ept, EPT_DIRTY, 0, PAGE_SIZE, &bits));
        expect_mapped(0, 0);
        assert_true(ept_use(&ept, &seen));
        assert_int_equal(invepts(), 1);
        ept_destroy(&ept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(invept_when_owed),
        simulated_test(invept_that_fails_stays_owed),
        simulated_test(kinds_of_invept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
