/* SPDX-License-Identifier: MIT */
/* The ports that the core takes from a guest which has the machine. */
#include "../image/machine_ports.h"

#include "../../core/tests/tests.h"
#include "../../core/vmx/vcpu.h"

#include <string.h>

#define PM1A 0xb004u
#define PM1B 0xb104u

static struct vcpu vcpu;
static struct ports table;
static struct machine_ports what;
static uint8_t bitmap_a[4096], bitmap_b[4096];

static int make(void **state)
{
    simulated_cpu_setup(state);
    memset(bitmap_a, 0, sizeof(bitmap_a));
    memset(bitmap_b, 0, sizeof(bitmap_b));
    table = (struct ports){0};
    what = (struct machine_ports){.fadt = {{PM1A, PM1B}}};
    vcpu.ports = &table;
    return machine_ports_claim(&what, &table, bitmap_a, bitmap_b) ? 0 : -1;
}

static bool exits(uint16_t port)
{
    const uint8_t *bitmap = port < 0x8000 ? bitmap_a : bitmap_b;
    return bitmap[(port & 0x7fff) / 8] >> port % 8 & 1;
}

static enum port_result out(uint16_t port, unsigned bytes, uint32_t value)
{
    return ports_access(&vcpu, port, bytes, true, &value);
}

static void these_exit_and_no_others(void **state)
{
    static const uint16_t taken[] = {0x64,   0x92, 0xcf8,    0xcf9, 0xcfa,   0xcfb,
                                     0x8900, PM1A, PM1A + 1, PM1B,  PM1B + 1};
    unsigned found = 0;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(taken); i++)
        assert_true(exits(taken[i]));
    for (unsigned port = 0; port < 0x10000; port++)
        found += exits((uint16_t)port);
    assert_int_equal(found, COUNT_OF(taken));
}

static void expect_end(uint16_t port, unsigned bytes, uint32_t value, enum machine_end end,
                       const char *text)
{
    what.end = MACHINE_NOT_ENDED;
    size_t before = simulated_cpu.port_accesses;
    assert_int_equal(out(port, bytes, value), PORT_REFUSED);
    assert_int_equal(what.end, end);
    assert_string_equal(what.text, text);
    assert_int_equal(simulated_cpu.port_accesses, before); /* the hardware never hears of it */
}

static void what_ends_the_machine(void **state)
{
    (void)state;
    expect_end(PM1A, 2, 0x2000, MACHINE_POWERED_OFF, "a sleep state of ACPI");
    expect_end(PM1A, 2, 0x3c01, MACHINE_POWERED_OFF, "a sleep state of ACPI");
    expect_end(PM1A + 1, 1, 0x20, MACHINE_POWERED_OFF, "a sleep state of ACPI");
    expect_end(PM1B, 2, 0x2000, MACHINE_POWERED_OFF, "a sleep state of ACPI");
    expect_end(0x8900, 1, 'S', MACHINE_POWERED_OFF, "port 0x8900");
    expect_end(0xcf9, 1, 0x06, MACHINE_RESET, "port 0xcf9");
    expect_end(0xcf8, 2, 0x0400, MACHINE_RESET, "port 0xcf9");
    expect_end(0x64, 1, 0xfe, MACHINE_RESET, "the keyboard controller");
    expect_end(0x64, 1, 0xf0, MACHINE_RESET, "the keyboard controller");
    expect_end(0x92, 1, 0x03, MACHINE_RESET, "port 0x92");
}

static void expect_forwarded(uint16_t port, unsigned bytes, uint32_t value)
{
    size_t before = simulated_cpu.port_accesses;
    assert_int_equal(out(port, bytes, value), PORT_DONE);
    assert_int_equal(what.end, MACHINE_NOT_ENDED);
    assert_int_equal(simulated_cpu.port_accesses, before + 1);
    const struct simulated_port_access *access = &simulated_cpu.port_log[before];
    assert_int_equal(access->port, port);
    assert_int_equal(access->bytes, bytes);
    assert_int_equal(access->value, value);
    assert_true(access->write);
}

static void everything_else_is_the_hardwares(void **state)
{
    uint32_t value = 0;
    (void)state;
    expect_forwarded(PM1A, 2, 0x1c01); /* SLP_TYP without SLP_EN */
    expect_forwarded(PM1A, 1, 0x20);
    expect_forwarded(0xcf8, 4, 0x80000604); /* PCI configuration: bit 10 is none of 0xcf9's */
    expect_forwarded(0xcf9, 1, 0x02);
    expect_forwarded(0x64, 1, 0xff);
    expect_forwarded(0x64, 1, 0x20);
    expect_forwarded(0x92, 1, 0x02);
    expect_forwarded(0x80, 1, 0xfe);
    simulated_cpu.port_value[0x64] = 0x1c;
    assert_int_equal(ports_access(&vcpu, 0x64, 1, false, &value), PORT_DONE);
    assert_int_equal(value, 0x1c);
}

/* What a policy emulates is nowhere; what the core has taken stays as it is. */
static void emulated_but_what_is_taken(void **state)
{
    static const uint8_t every[8192] = {[0 ... 8191] = 0xff};
    uint32_t value = 0;
    (void)state;
    table.ones = every;
    expect_end(PM1A, 2, 0x2000, MACHINE_POWERED_OFF, "a sleep state of ACPI");
    expect_end(0xcf9, 1, 0x06, MACHINE_RESET, "port 0xcf9");
    expect_end(0x63, 2, 0xfe00, MACHINE_RESET, "the keyboard controller"); /* from its neighbour */
    what.end = MACHINE_NOT_ENDED;
    expect_forwarded(0x64, 1, 0x20);
    size_t before = simulated_cpu.port_accesses;
    assert_int_equal(out(0x80, 4, 1), PORT_DONE);
    assert_int_equal(ports_access(&vcpu, 0x80, 4, false, &value), PORT_DONE);
    assert_int_equal(value, UINT32_MAX);
    assert_int_equal(simulated_cpu.port_accesses, before);
}

static void without_acpi(void **state)
{
    (void)state;
    memset(bitmap_b, 0, sizeof(bitmap_b));
    table = (struct ports){0};
    what = (struct machine_ports){0};
    assert_true(machine_ports_claim(&what, &table, bitmap_a, bitmap_b));
    assert_false(exits(PM1A));
    expect_forwarded(PM1A, 2, 0x2000);
    /* Two at one place. */
    table = (struct ports){0};
    what = (struct machine_ports){.fadt = {{0x64, 0}}};
    assert_false(machine_ports_claim(&what, &table, bitmap_a, bitmap_b));
}

#define ports_of_machine(function) \
    cmocka_unit_test_setup_teardown(function, make, simulated_cpu_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ports_of_machine(these_exit_and_no_others),
        ports_of_machine(what_ends_the_machine),
        ports_of_machine(everything_else_is_the_hardwares),
        ports_of_machine(emulated_but_what_is_taken),
        ports_of_machine(without_acpi),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
