/* SPDX-License-Identifier: MIT */
#include "../../core/tests/tests.h"

#include "../histogram.h"

#include <string.h>

static struct histogram histogram;

static void buckets_cover_everything(void **state)
{
    (void)state;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t lowest = histogram_lowest(i);
        assert_int_equal(histogram_bucket(lowest), i);
        if (i > 0)
            assert_int_equal(histogram_bucket(lowest - 1), i - 1);
    }
    assert_int_equal(histogram_bucket(0), 0);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

/* The width of a bucket is at most a 32nd of its lowest value. */
static void buckets_are_narrow(void **state)
{
    (void)state;
    for (unsigned i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
        uint64_t width = histogram_lowest(i + 1) - histogram_lowest(i);
        assert_true(width == 1 || width <= histogram_lowest(i) / HISTOGRAM_LINEAR);
    }
}

static void values_are_counted(void **state)
{
    static const uint64_t values[] = {63, 64, 65, 1000, 0, UINT64_MAX, 1000};
    uint64_t sum = 0, counted = 0;
    (void)state;
    memset(&histogram, 0, sizeof(histogram));
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        histogram_add(&histogram, values[i]);
        sum += values[i];
    }
    assert_int_equal(histogram.count, COUNT_OF(values));
    assert_int_equal(histogram.sum, sum);
    assert_int_equal(histogram.min, 0);
    assert_int_equal(histogram.max, UINT64_MAX);
    assert_int_equal(histogram.buckets[histogram_bucket(1000)], 2);
    assert_int_equal(histogram.buckets[64], 2); /* 64 and 65 share one */
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
        counted += histogram.buckets[i];
    assert_int_equal(counted, COUNT_OF(values));
}

static void the_least_of_values_above_0(void **state)
{
    (void)state;
    memset(&histogram, 0, sizeof(histogram));
    histogram_add(&histogram, 7);
    histogram_add(&histogram, 9);
    assert_int_equal(histogram.min, 7);
    assert_int_equal(histogram.max, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buckets_cover_everything),
        cmocka_unit_test(buckets_are_narrow),
        cmocka_unit_test(values_are_counted),
        cmocka_unit_test(the_least_of_values_above_0),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
