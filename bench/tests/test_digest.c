/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../digest.h"

static void nearest_rank(void **state)
{
    int64_t values[100];
    (void)state;
    for (int i = 0; i < 100; i++)
        values[i] = i + 1;
    assert_int_equal(percentile(values, 100, 500), 50);
    assert_int_equal(percentile(values, 100, 990), 99);
    assert_int_equal(percentile(values, 100, 999), 100);
    assert_int_equal(percentile(values, 100, 1000), 100);
    assert_int_equal(percentile(values, 100, 0), 1);
    assert_int_equal(percentile(values, 1, 500), 1);
    assert_int_equal(percentile(values, 3, 500), 2);
    assert_int_equal(percentile(values, 4, 500), 2);
}

static void digest_is_net_and_signed(void **state)
{
    const struct sample control[] = {{0, 10}, {100, 112}, {200, 214}};
    const struct sample op[] = {{0, 11}, {100, 162}, {200, 212}, {300, 400}};
    struct digest digest;
    (void)state;
    digest_make(control, 3, op, 4, &digest);
    assert_int_equal(digest.control, 12);
    assert_int_equal(digest.min, -1);
    assert_int_equal(digest.p50, 0);
    assert_int_equal(digest.p90, 88);
    assert_int_equal(digest.max, 88);
    assert_true(digest.total == -1 + 50 + 0 + 88);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_rank),
        cmocka_unit_test(digest_is_net_and_signed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
