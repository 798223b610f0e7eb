/* SPDX-License-Identifier: MIT */
/* The table of devices. */
#include "tests.h"

#include "../vmx/mmio.h"

static struct mmio table;

static enum mmio_result nothing(struct vcpu *vcpu, void *context, uint64_t offset, unsigned bytes,
                                bool write, uint64_t *value)
{
    (void)vcpu, (void)context, (void)offset, (void)bytes, (void)write, (void)value;
    return MMIO_DONE;
}

static void found_where_they_are(void **state)
{
    int first, second;
    (void)state;
    table = (struct mmio){0};
    assert_null(mmio_find(&table, 0));
    assert_null(mmio_find(NULL, 0));
    assert_true(mmio_add(&table, 0xfee00000, PAGE_SIZE, nothing, &first));
    assert_true(mmio_add(&table, 0xfec00000, 2 * PAGE_SIZE, nothing, &second));
    assert_ptr_equal(mmio_find(&table, 0xfee00000)->context, &first);
    assert_ptr_equal(mmio_find(&table, 0xfee00fff)->context, &first);
    assert_ptr_equal(mmio_find(&table, 0xfec01fff)->context, &second);
    assert_int_equal(mmio_find(&table, 0xfec01fff)->first, 0xfec00000);
    assert_null(mmio_find(&table, 0xfee01000));
    assert_null(mmio_find(&table, 0xfedfffff));
    assert_null(mmio_find(&table, 0xfec02000));
}

static void refused(void **state)
{
    static const struct {
        uint64_t first, bytes;
    } bad[] = {
        {0x10000, 0},     {0x10001, PAGE_SIZE}, {0x10000, 100},    {0x4000, 0x1000},
        {0x3000, 0x2000}, {0x5000, 0x4000},     {0x2000, 0x10000}, {UINT64_MAX - 0xfff, 0x2000}};
    (void)state;
    table = (struct mmio){0};
    assert_true(mmio_add(&table, 0x4000, 0x2000, nothing, NULL));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(mmio_add(&table, bad[i].first, bad[i].bytes, nothing, NULL));
    assert_true(mmio_add(&table, 0x3000, 0x1000, nothing, NULL));
    assert_true(mmio_add(&table, 0x6000, 0x1000, nothing, NULL));
    for (unsigned i = 3; i <= MMIO_RANGES_MAX; i++)
        assert_int_equal(mmio_add(&table, 0x10000 * i, PAGE_SIZE, nothing, NULL),
                         i < MMIO_RANGES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(found_where_they_are),
        simulated_test(refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
