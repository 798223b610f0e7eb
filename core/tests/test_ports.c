/* SPDX-License-Identifier: MIT */
/* The table of ports; test_exit_io_ports.c has what goes through it. */
#include "tests.h"

#include "../vmx/ports.h"

static struct ports table;

static enum port_result answer(struct vcpu *vcpu, void *context, uint16_t port, unsigned bytes,
                               bool write, uint32_t *value)
{
    (void)vcpu, (void)context, (void)port, (void)bytes, (void)write, (void)value;
    return PORT_DONE;
}

static void ranges(void **state)
{
    static const uint16_t bad[][2] = {{0x70, 0x70}, {0x77, 0x77},    {0x60, 0x70}, {0x77, 0x80},
                                      {0x72, 0x73}, {0, UINT16_MAX}, {0x91, 0x90}};
    (void)state;
    table = (struct ports){0};
    assert_true(ports_add(&table, 0x70, 0x77, answer, NULL));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(ports_add(&table, bad[i][0], bad[i][1], answer, NULL));
    assert_int_equal(table.count, 1);
    assert_true(ports_add(&table, 0x6f, 0x6f, answer, NULL));
    assert_true(ports_add(&table, 0x78, 0x78, answer, NULL));
    assert_true(ports_add(&table, UINT16_MAX, UINT16_MAX, answer, NULL));
    assert_true(ports_add(&table, 0, 0, answer, NULL));
    for (unsigned i = 5; i <= PORTS_RANGES_MAX; i++)
        assert_int_equal(
            ports_add(&table, (uint16_t)(0x100 * i), (uint16_t)(0x100 * i), answer, NULL),
            i < PORTS_RANGES_MAX);
    assert_int_equal(table.count, PORTS_RANGES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
