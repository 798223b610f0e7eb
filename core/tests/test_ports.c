/* SPDX-License-Identifier: MIT */
/* The table of ports; test_exit_io_ports.c has what goes through it. */
#include "tests.h"

#include "../vmx/ports.h"
#include "../vmx/vcpu.h"

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

/* Ports that nobody has claimed: byte by byte, where some are emulated and some the hardware's. */
static void part_of_an_access_is_emulated(void **state)
{
    static uint8_t ones[0x10000 / 8];
    static struct vcpu vcpu;
    uint32_t value = 0;
    (void)state;
    table = (struct ports){.ones = ones};
    vcpu.ports = &table;
    ones[0x100 / 8] = 0x5; /* 0x100 and 0x102 */
    for (unsigned port = 0x100; port < 0x104; port++)
        simulated_cpu.port_value[port] = 0x50 + port % 16;
    assert_int_equal(ports_access(&vcpu, 0x100, 4, false, &value), PORT_DONE);
    assert_int_equal(value, 0x53ff51ff);
    assert_int_equal(ports_access(&vcpu, 0x101, 2, false, &value), PORT_DONE);
    assert_int_equal(value, 0xff51);
    assert_int_equal(simulated_cpu.port_accesses, 3);
    value = 0x44332211;
    assert_int_equal(ports_access(&vcpu, 0x100, 4, true, &value), PORT_DONE);
    assert_int_equal(simulated_cpu.port_accesses, 5);
    for (unsigned i = 0; i < 2; i++) {
        const struct simulated_port_access *access = &simulated_cpu.port_log[3 + i];
        assert_true(access->write && access->bytes == 1);
        assert_int_equal(access->port, 0x101 + 2 * i);
        assert_int_equal(access->value, 0x22 + 0x22 * i);
    }
    /* Of the hardware's alone, whole; of emulated ones alone, nothing. */
    assert_int_equal(ports_access(&vcpu, 0x104, 4, true, &value), PORT_DONE);
    assert_int_equal(simulated_cpu.port_log[5].bytes, 4);
    ones[0x108 / 8] = 0x3;
    assert_int_equal(ports_access(&vcpu, 0x108, 2, false, &value), PORT_DONE);
    assert_int_equal(value, 0xffff);
    assert_int_equal(simulated_cpu.port_accesses, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(ranges),
        simulated_test(part_of_an_access_is_emulated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
