/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../vmx/vpid.h"

static void the_lowest_that_is_free(void **state)
{
    (void)state;
    assert_int_equal(vpid_allocate(), 1);
    assert_int_equal(vpid_allocate(), 2);
    assert_int_equal(vpid_allocate(), 3);
    vpid_free(2);
    assert_int_equal(vpid_allocate(), 2);
    assert_int_equal(vpid_allocate(), 4);
    for (uint16_t vpid = 1; vpid <= 4; vpid++)
        vpid_free(vpid);
}

static void all_of_them_once(void **state)
{
    static bool seen[0x10000];
    (void)state;
    for (unsigned i = 1; i < 0x10000; i++) {
        uint16_t vpid = vpid_allocate();
        assert_true(vpid && !seen[vpid]);
        seen[vpid] = true;
    }
    assert_int_equal(vpid_allocate(), 0);
    vpid_free(0); /* is nobody's to give back */
    assert_int_equal(vpid_allocate(), 0);
    vpid_free(0x8123);
    assert_int_equal(vpid_allocate(), 0x8123);
    for (unsigned vpid = 1; vpid < 0x10000; vpid++)
        vpid_free((uint16_t)vpid);
    assert_int_equal(vpid_allocate(), 1);
    vpid_free(1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(the_lowest_that_is_free),
        simulated_test(all_of_them_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
