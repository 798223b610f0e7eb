/* SPDX-License-Identifier: MIT */
/* IN and OUT; test_exit_io_string.c has INS and OUTS. */
#include "exit_fixture.h"

/* Exit qualification, SDM Vol. 3C table 28-5. */
#define SIZE(bytes) ((uint64_t)(bytes)-1)
#define IN          (1ull << 3)
#define IMMEDIATE   (1ull << 6)
#define PORT(port)  ((uint64_t)(port) << 16)

static const struct simulated_port_access *last_access(void)
{
    return &simulated_cpu.port_log[simulated_cpu.port_accesses - 1];
}

static enum exit_outcome take_io(uint64_t qualification)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    return exit_take(EXIT_REASON_IO, qualification);
}

static void expect_access(uint16_t port, unsigned bytes, bool write, uint32_t value)
{
    const struct simulated_port_access *access = last_access();
    assert_int_equal(access->port, port);
    assert_int_equal(access->bytes, bytes);
    assert_int_equal(access->write, write);
    assert_int_equal(access->value, value);
    assert_int_equal(cost.vmreads, 4);
    assert_int_equal(cost.vmwrites, 1);
}

static const uint16_t ports[] = {0, 0x80, 0x3f8, 0x7fff, 0x8000, 0xfffc};

static void out(void **state)
{
    (void)state;
    guest.rax = 0x1122334455667788;
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
            uint64_t mask = (1ull << 8 * bytes) - 1;
            assert_int_equal(take_io(PORT(ports[i]) | SIZE(bytes) | (i & 1 ? IMMEDIATE : 0)),
                             EXIT_RESUME);
            expect_completed();
            expect_access(ports[i], bytes, true, (uint32_t)(0x55667788 & mask));
        }
    assert_int_equal(simulated_cpu.port_accesses, 3 * COUNT_OF(ports));
}

static void in_is_merged_by_width(void **state)
{
    static const uint64_t merged[] = {
        [1] = 0x11223344556677bd,
        [2] = 0x112233445566f9bd,
        [4] = 0x00000000e57bf9bd, /* a 32-bit result clears the upper half */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ports); i++)
        for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
            uint64_t mask = (1ull << 8 * bytes) - 1;
            simulated_cpu.port_value[ports[i]] = 0xe57bf9bd;
            guest.rax = 0x1122334455667788;
            assert_int_equal(take_io(PORT(ports[i]) | SIZE(bytes) | IN), EXIT_RESUME);
            expected.rax = merged[bytes];
            expect_completed();
            expect_access(ports[i], bytes, false, (uint32_t)(0xe57bf9bd & mask));
        }
}

static void sizes_that_do_not_exist_stop(void **state)
{
    (void)state;
    for (uint64_t size = 0; size < 8; size++)
        for (uint64_t in = 0; in <= IN; in += IN) {
            if (size == 0 || size == 1 || size == 3)
                continue;
            assert_int_equal(take_io(PORT(0x60) | size | in), EXIT_STOP);
            expect_stop(STOP_UNHANDLED, PORT(0x60) | size | in, "I/O size the SDM does not define");
            expect_unchanged();
        }
    assert_int_equal(simulated_cpu.port_accesses, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(out),
        exit_test(in_is_merged_by_width),
        exit_test(sizes_that_do_not_exist_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
