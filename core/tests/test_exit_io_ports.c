/* SPDX-License-Identifier: MIT */
/* IN and OUT where the vCPU has a table of ports. */
#include "ports_fixture.h"

#include <string.h>

/* Exit qualification, SDM Vol. 3C table 28-5. */
#define SIZE(bytes) ((uint64_t)(bytes)-1)
#define IN          (1ull << 3)
#define PORT(port)  ((uint64_t)(port) << 16)

static enum exit_outcome take(uint16_t port, unsigned bytes, bool in)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    ports_call_count = 0;
    simulated_cpu.port_accesses = 0;
    guest.rax = PORTS_RAX;
    return exit_take(EXIT_REASON_IO, PORT(port) | SIZE(bytes) | (in ? IN : 0));
}

/* RAX after an IN of so many bytes. */
static uint64_t merged(unsigned bytes, uint32_t value)
{
    return bytes == 4 ? value
                      : (PORTS_RAX & ~(uint64_t)ports_ones(bytes)) | (value & ports_ones(bytes));
}

static void whoever_has_the_port(void **state)
{
    static const struct {
        uint16_t port;
        const char *context;
    } cases[] = {{0x70, &ports_first},  {0x73, &ports_first},    {0x74, &ports_first},
                 {0x78, &ports_second}, {0xfffc, &ports_second}, {0xfff8, &ports_second}};
    (void)state;
    assert_true(ports_add(&ports_table, 0x70, 0x77, ports_answer, &ports_first));
    assert_true(ports_add(&ports_table, 0x78, 0x7f, ports_answer, &ports_second));
    assert_true(ports_add(&ports_table, 0xfff8, UINT16_MAX, ports_answer, &ports_second));
    for (int all_ones = 0; all_ones < 2; all_ones++)
        for (size_t i = 0; i < COUNT_OF(cases); i++)
            for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
                ports_table.ones = all_ones ? ports_every : NULL;
                assert_int_equal(take(cases[i].port, bytes, false), EXIT_RESUME);
                expect_completed();
                assert_int_equal(ports_call_count, 1);
                expect_port_call(0, cases[i].context, cases[i].port, bytes, true,
                                 (uint32_t)PORTS_RAX & ports_ones(bytes));
                assert_int_equal(take(cases[i].port, bytes, true), EXIT_RESUME);
                expected.rax = merged(bytes, PORTS_ANSWER);
                expect_completed();
                assert_int_equal(ports_call_count, 1);
                expect_port_call(0, cases[i].context, cases[i].port, bytes, false,
                                 ports_ones(bytes));
                assert_int_equal(simulated_cpu.port_accesses, 0);
                assert_int_equal(cost.vmreads, 4);
                assert_int_equal(cost.vmwrites, 1);
            }
}

/* Next to a range, and where a wide access wraps: 0xffff is followed by 0. */
static void nobody_has_the_port(void **state)
{
    static const uint16_t unclaimed[] = {0, 0x6c, 0x78, 0x3f8, 0x8000, 0xffff};
    (void)state;
    assert_true(ports_add(&ports_table, 0x70, 0x77, ports_answer, &ports_first));
    for (size_t i = 0; i < COUNT_OF(unclaimed); i++)
        for (unsigned form = 0; form < 12; form++) {
            unsigned bytes = 1u << form % 3;
            bool in = form / 3 & 1;
            ports_table.ones = form / 6 ? ports_every : NULL;
            assert_int_equal(take(unclaimed[i], bytes, in), EXIT_RESUME);
            if (in)
                expected.rax = merged(bytes, ports_table.ones ? UINT32_MAX : 0x5a5a5a5a);
            expect_completed();
            assert_int_equal(ports_call_count, 0);
            assert_int_equal(simulated_cpu.port_accesses, ports_table.ones ? 0 : 1);
            if (ports_table.ones)
                continue;
            assert_int_equal(simulated_cpu.port_log[0].port, unclaimed[i]);
            assert_int_equal(simulated_cpu.port_log[0].bytes, bytes);
            assert_int_equal(simulated_cpu.port_log[0].write, !in);
            assert_int_equal(simulated_cpu.port_log[0].value,
                             in ? 0x5a5a5a5a & ports_ones(bytes)
                                : (uint32_t)PORTS_RAX & ports_ones(bytes));
        }
}

/* Two bytes of the hardware's, one of each range, under both policies and in both directions. */
static void an_access_over_an_end_is_cut(void **state)
{
    (void)state;
    assert_true(ports_add(&ports_table, 0x72, 0x72, ports_answer, &ports_first));
    assert_true(ports_add(&ports_table, 0x73, 0x73, ports_answer, &ports_second));
    simulated_cpu.port_value[0x70] = 0x5511;
    simulated_cpu.port_value[0x71] = 0x5522;
    for (int all_ones = 0; all_ones < 2; all_ones++) {
        ports_table.ones = all_ones ? ports_every : NULL;
        assert_int_equal(take(0x70, 4, true), EXIT_RESUME);
        expected.rax = all_ones ? 0xbdbdffff : 0xbdbd2211;
        expect_completed();
        assert_int_equal(ports_call_count, 2);
        expect_port_call(0, &ports_first, 0x72, 1, false, 0xff);
        expect_port_call(1, &ports_second, 0x73, 1, false, 0xff);
        assert_int_equal(simulated_cpu.port_accesses, all_ones ? 0 : 2);

        assert_int_equal(take(0x70, 4, false), EXIT_RESUME);
        expect_completed();
        assert_int_equal(ports_call_count, 2);
        expect_port_call(0, &ports_first, 0x72, 1, true, 0x66);
        expect_port_call(1, &ports_second, 0x73, 1, true, 0x55);
        assert_int_equal(simulated_cpu.port_accesses, all_ones ? 0 : 2);
        for (unsigned i = 0; !all_ones && i < 2; i++) {
            assert_int_equal(simulated_cpu.port_log[i].port, 0x70 + i);
            assert_int_equal(simulated_cpu.port_log[i].bytes, 1);
            assert_int_equal(simulated_cpu.port_log[i].value, i ? 0x77 : 0x88);
        }
    }
    assert_int_equal(take(0x71, 2, true), EXIT_RESUME); /* the range is not where it begins */
    expected.rax = merged(2, 0xbdff);
    expect_completed();
}

/* Port by port: what is emulated is nowhere, its neighbour is the hardware's. */
static void some_ports_are_emulated(void **state)
{
    static uint8_t emulated[8192];
    (void)state;
    memset(emulated, 0, sizeof(emulated));
    emulated[0x70 / 8] = 1 << 1;  /* 0x71 */
    emulated[0x73 / 8] |= 1 << 3; /* 0x73, which has a handler */
    emulated[8191] = 0x80;
    assert_true(ports_add(&ports_table, 0x73, 0x73, ports_answer, &ports_first));
    simulated_cpu.port_value[0x70] = 0x5511;
    simulated_cpu.port_value[0x72] = 0x5533;
    ports_table.ones = emulated;
    assert_int_equal(take(0x71, 1, true), EXIT_RESUME);
    expected.rax = merged(1, 0xff);
    expect_completed();
    assert_int_equal(take(0xffff, 1, false), EXIT_RESUME);
    expect_completed();
    assert_int_equal(simulated_cpu.port_accesses, 0);
    assert_int_equal(take(0x70, 4, true), EXIT_RESUME);
    expected.rax = 0xbd33ff11;
    expect_completed();
    assert_int_equal(ports_call_count, 1);
    assert_int_equal(simulated_cpu.port_accesses, 2);
    assert_int_equal(take(0x74, 4, true), EXIT_RESUME); /* and what none of it touches is whole */
    expected.rax = merged(4, 0x5a5a5a5a);
    expect_completed();
    assert_int_equal(simulated_cpu.port_log[simulated_cpu.port_accesses - 1].bytes, 4);
}

/* 0xffff is followed by 0, and an access over that is no row of ports of any range. */
static void an_access_that_wraps_is_cut(void **state)
{
    (void)state;
    assert_true(ports_add(&ports_table, 0, UINT16_MAX, ports_answer, &ports_first));
    assert_int_equal(take(0xfffe, 4, false), EXIT_RESUME);
    expect_completed();
    assert_int_equal(ports_call_count, 4);
    for (unsigned i = 0; i < 4; i++)
        expect_port_call(i, &ports_first, (uint16_t)(0xfffe + i), 1, true,
                         (uint32_t)PORTS_RAX >> 8 * i & 0xff);
    assert_int_equal(take(0xfffe, 2, false), EXIT_RESUME);
    assert_int_equal(ports_call_count, 1);
}

static void what_a_handler_says(void **state)
{
    (void)state;
    assert_true(ports_add(&ports_table, 0x72, 0x73, ports_answer, &ports_first));
    ports_result = PORT_EVENTS;
    for (int in = 0; in < 2; in++) {
        assert_int_equal(take(0x72, 2, in), EXIT_EVENTS);
        if (in)
            expected.rax = merged(2, PORTS_ANSWER);
        expect_completed();
        assert_int_equal(take(0x71, 4, in), EXIT_EVENTS); /* one of those it is cut into */
    }
    for (int in = 0; in < 2; in++) {
        ports_refused_call = 1;
        assert_int_equal(take(0x72, 1, in), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, PORT(0x72) | (in ? IN : 0), "I/O port that refuses the access");
        expect_unchanged();
        ports_refused_call = 2; /* an event before it does not count */
        assert_int_equal(take(0x71, 4, in), EXIT_STOP);
        expect_unchanged();
        assert_int_equal(ports_call_count, 2);
        assert_int_equal(simulated_cpu.port_accesses, 1); /* 0x74 is not reached */
    }
}

static void sizes_that_do_not_exist_stop(void **state)
{
    (void)state;
    assert_true(ports_add(&ports_table, 0x60, 0x6f, ports_answer, &ports_first));
    for (uint64_t form = 0; form < 64; form++) {
        uint64_t qualification = PORT(0x60) | form;
        if ((form & 7) <= 1 || (form & 7) == 3)
            continue;
        assert_int_equal(exit_take(EXIT_REASON_IO, qualification), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, qualification, "I/O size the SDM does not define");
        expect_unchanged();
    }
    assert_int_equal(ports_call_count + simulated_cpu.port_accesses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ports_test(whoever_has_the_port),         ports_test(nobody_has_the_port),
        ports_test(an_access_over_an_end_is_cut), ports_test(an_access_that_wraps_is_cut),
        ports_test(some_ports_are_emulated),      ports_test(what_a_handler_says),
        ports_test(sizes_that_do_not_exist_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
