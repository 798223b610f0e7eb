/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

static enum exit_outcome take(uint64_t rcx, uint64_t value)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rcx = rcx;
    guest.rax = 0xdeadull << 48 | (uint32_t)value; /* upper halves are ignored */
    guest.rdx = 0xbeefull << 48 | value >> 32;
    return exit_take(EXIT_REASON_XSETBV, 0);
}

/* Whether it is taken; if so, into the CPU and nowhere else. */
static bool takes(uint64_t value)
{
    uint64_t before = simulated_cpu.xcr0;

    assert_int_equal(take(0, value), EXIT_RESUME);
    if (*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO)) {
        expect_gp();
        assert_int_equal(cost.xsetbvs, 0);
        assert_int_equal(simulated_cpu.xcr0, before);
        return false;
    }
    expected.xcr0 = value;
    expect_completed();
    assert_int_equal(simulated_cpu.xcr0, value);
    return true;
}

static void support(uint64_t bits)
{
    simulated_leaf(0xd, 0)->eax = (uint32_t)bits;
    simulated_leaf(0xd, 0)->edx = (uint32_t)(bits >> 32);
    vmx_capability_read(&exit_capability);
}

static void a_cpu_with_avx(void **state)
{
    (void)state;
    for (uint64_t value = 0; value < 0x400; value++)
        assert_int_equal(takes(value), value == 1 || value == 3 || value == 7);
    for (int bit = 10; bit < 64; bit++)
        assert_false(takes(7 | 1ull << bit));
}

/* The SDM's rules written down a second time, over every combination of bits 0 to 9 and 17 to 19.
 */
static void every_rule(void **state)
{
    (void)state;
    support(0x602ff | 1ull << 62);
    for (uint64_t i = 0; i < 1 << 13; i++) {
        uint64_t value = (i & 0x3ff) | i >> 10 << 17;
        unsigned mpx = value >> 3 & 3, avx512 = value >> 5 & 7, amx = value >> 17 & 3;
        bool wanted = value & 1 && !(value & ~0x602ffull) && (!(value & 4) || value & 2) &&
                      (mpx == 0 || mpx == 3) &&
                      (avx512 == 0 || (avx512 == 7 && (value & 6) == 6)) && (amx == 0 || amx == 3);
        assert_int_equal(takes(value), wanted);
    }
    assert_true(takes(1ull << 62 | 1));
}

/* APX state lies where MPX state was: never both. */
static void apx_excludes_mpx(void **state)
{
    (void)state;
    support(0x8001f);
    assert_true(takes(0x80001));
    assert_true(takes(0x1f));
    assert_false(takes(0x8001f));
}

static void other_registers(void **state)
{
    static const uint64_t numbers[] = {1, 2, 0x80000000, UINT32_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_int_equal(take(numbers[i], 3), EXIT_RESUME);
        expect_gp();
        assert_int_equal(cost.xsetbvs, 0);
    }
    assert_int_equal(take(0xffffffff00000000, 3), EXIT_RESUME); /* ECX, not RCX */
    expected.xcr0 = 3;
    expect_completed();
}

/* A rule of the CPU that is not among ours ends as #GP in the guest, and harms nobody. */
static void what_the_cpu_refuses_is_refused(void **state)
{
    (void)state;
    exit_capability.xcr0 = 0xff; /* as if MPX were there, which the CPU denies */
    assert_int_equal(take(0, 0x1f), EXIT_RESUME);
    expect_gp();
    assert_int_equal(cost.xsetbvs, 1);
    exit_capability.xcr0 = 0;
    assert_int_equal(take(0, 1), EXIT_RESUME);
    expect_gp();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(a_cpu_with_avx),
        exit_test(every_rule),
        exit_test(apx_excludes_mpx),
        exit_test(other_registers),
        exit_test(what_the_cpu_refuses_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
