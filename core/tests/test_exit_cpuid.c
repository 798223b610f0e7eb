/* SPDX-License-Identifier: MIT */
#include "exit_fixture.h"

#include "../x86/control_registers.h"

#include <string.h>

static void expect_cpuid(struct cpuid_registers r)
{
    expected.rax = r.eax;
    expected.rbx = r.ebx;
    expected.rcx = r.ecx;
    expected.rdx = r.edx;
    expect_completed();
}

static void take_leaf(uint64_t rax, uint64_t rcx)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    guest.rax = rax;
    guest.rcx = rcx;
    assert_int_equal(exit_take(EXIT_REASON_CPUID, 0), EXIT_RESUME);
}

static void other_leaves_are_the_cpus_own(void **state)
{
    static const uint32_t leaves[][2] = {
        {0, 0},   {2, 0},           {4, 0},          {4, 1},          {7, 0},
        {0xd, 0}, {0x80000000u, 0}, {0x80000001, 0}, {0x80000002, 0}, {0x80000008, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        take_leaf(leaves[i][0], leaves[i][1]);
        expect_cpuid(x86_cpuid(leaves[i][0], leaves[i][1]));
        assert_int_equal(cost.vmreads, 3);
        assert_int_equal(cost.vmwrites, 1);
        assert_int_equal(cost.msr_accesses, 0);
    }
}

/* Sizes and components as the CPU has them; XSAVES and IA32_XSS as far as the guest has them. */
static void extended_state(void **state)
{
    struct cpuid_registers all = {0x1f, 0x340, 0x1900, 1};
    (void)state;
    *simulated_leaf(0xd, 1) = all;
    *simulated_leaf(0xd, 0x10000) = all;
    exit_capability.xss = 0x1800;
    guest.controls[CONTROL_SECONDARY] |= SECONDARY_XSAVES;
    take_leaf(0xd, 1);
    expect_cpuid((struct cpuid_registers){0x1f, 0x340, 0x1800, 0});
    take_leaf(0xd, 0x10000);
    expect_cpuid(all);
    guest.controls[CONTROL_SECONDARY] &= ~SECONDARY_XSAVES;
    take_leaf(0xd, 0xabcd00000001);
    expect_cpuid((struct cpuid_registers){0x17, 0x340, 0, 0});
    take_leaf(0xd, 2);
    expect_cpuid(x86_cpuid(0xd, 2));
}

/* CPUID looks at EAX and ECX alone and clears the upper halves of all four registers. */
static void upper_halves_are_ignored_and_cleared(void **state)
{
    static const uint32_t leaves[] = {0, 1, 4, 0xb, 0x40000000};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        take_leaf(leaves[i], 0);
        struct cpuid_registers plain = {(uint32_t)guest.rax, (uint32_t)guest.rbx,
                                        (uint32_t)guest.rcx, (uint32_t)guest.rdx};
        guest.rbx = guest.rdx = UINT64_MAX;
        take_leaf(0xdeadbeef00000000 | leaves[i], 0xdeadbeef00000000);
        expect_cpuid(plain);
    }
}

static void leaf_1_shows_the_guest(void **state)
{
    (void)state;
    struct cpuid_registers host = x86_cpuid(1, 0);
    assert_true(host.ecx & CPUID_1_ECX_VMX && host.ecx & CPUID_1_ECX_SMX &&
                host.ecx & CPUID_1_ECX_OSXSAVE);
    assert_int_equal(host.ebx >> 24, 7);
    host.ebx = (host.ebx & 0xffffff) | 3u << 24;
    host.ecx &= ~(CPUID_1_ECX_VMX | CPUID_1_ECX_SMX | CPUID_1_ECX_OSXSAVE);
    host.ecx |= CPUID_1_ECX_HYPERVISOR;

    take_leaf(1, 0);
    expect_cpuid(host);
    assert_int_equal(cost.vmreads, 4);
    assert_int_equal(cost.vmwrites, 1);

    exit_field(VMCS_GUEST_CR4, 0x2020 | CR4_OSXSAVE);
    host.ecx |= CPUID_1_ECX_OSXSAVE;
    take_leaf(1, 0);
    expect_cpuid(host);

    /* The guest's bit, not the host's. */
    simulated_cpu.cr4 &= ~CR4_OSXSAVE;
    take_leaf(1, 0);
    expect_cpuid(host);
}

static void topology_leaves_show_the_guests_id(void **state)
{
    (void)state;
    for (uint32_t subleaf = 0; subleaf < 2; subleaf++) {
        struct cpuid_registers r = x86_cpuid(0xb, subleaf);
        assert_int_equal(r.edx, 7);
        r.edx = 3;
        take_leaf(0xb, subleaf);
        expect_cpuid(r);
        assert_int_equal(cost.vmreads, 3);
    }
    simulated_leaf(0, 0)->eax = 0x1f;
    *simulated_leaf(0x1f, 0) = (struct cpuid_registers){1, 2, 0x100, 7};
    take_leaf(0x1f, 0);
    expect_cpuid((struct cpuid_registers){1, 2, 0x100, 3});
}

static void hypervisor_leaves(void **state)
{
    char signature[13] = "";
    (void)state;
    take_leaf(0x40000000, 5);
    memcpy(signature, &guest.rbx, 4);
    memcpy(signature + 4, &guest.rcx, 4);
    memcpy(signature + 8, &guest.rdx, 4);
    assert_string_equal(signature, "exitmeter   ");
    assert_int_equal(guest.rax, 0x40000000);
    expect_cpuid((struct cpuid_registers){(uint32_t)guest.rax, (uint32_t)guest.rbx,
                                          (uint32_t)guest.rcx, (uint32_t)guest.rdx});
    for (uint32_t leaf = 0x40000001; leaf <= 0x400000ff; leaf++) {
        take_leaf(leaf, 0);
        expect_cpuid((struct cpuid_registers){0});
    }
}

static void every_low_leaf_and_the_edges(void **state)
{
    static const uint32_t edges[] = {0x20, 0x3fffffff, 0x7fffffff, 0x8000000a, UINT32_MAX};
    (void)state;
    for (uint32_t leaf = 0; leaf < 0x1f; leaf++) {
        take_leaf(leaf, 0);
        if (leaf != 1 && leaf != 0xb)
            expect_cpuid(x86_cpuid(leaf, 0));
    }
    for (size_t i = 0; i < COUNT_OF(edges); i++) {
        take_leaf(edges[i], 0);
        expect_cpuid(x86_cpuid(edges[i], 0));
    }
}

static void hide(const struct cpuid_hidden *entries, unsigned count)
{
    struct cpuid_hidden all[CPUID_HIDDEN_MAX] = {{0}};

    memcpy(all, entries, count * sizeof(*entries));
    cpuid_policy_set(&guest.cpuid, all);
}

static void what_the_policy_hides(void **state)
{
    static const struct cpuid_hidden hidden[] = {
        {1, CPUID_ANY_SUBLEAF, 3, 1u << 7},
        {4, 1, 2, UINT32_MAX},
        {0x80000001, CPUID_ANY_SUBLEAF, 3, 1u << 20},
        {7, 0, 9, UINT32_MAX}, /* no such output */
        {0x80000002, 0, 0, 0}, /* no bits */
    };
    struct cpuid_registers r;
    (void)state;
    hide(hidden, COUNT_OF(hidden));
    take_leaf(1, 0);
    assert_int_equal((uint32_t)guest.rdx, x86_cpuid(1, 0).edx & ~(1u << 7));
    take_leaf(4, 0);
    expect_cpuid(x86_cpuid(4, 0));
    take_leaf(4, 1);
    r = x86_cpuid(4, 1);
    r.ecx = 0;
    expect_cpuid(r);
    take_leaf(0x80000001, 77);
    r = x86_cpuid(0x80000001, 0);
    r.edx &= ~(1u << 20);
    expect_cpuid(r);
    take_leaf(7, 0);
    expect_cpuid(x86_cpuid(7, 0));
    take_leaf(0x80000002, 0);
    expect_cpuid(x86_cpuid(0x80000002, 0));
}

/* The last basic leaf is what the CPU answers for leaves that it does not have. */
static void nothing_hidden_shows_under_another_number(void **state)
{
    static const struct cpuid_hidden hidden[] = {{0xd, 0, 0, UINT32_MAX}};
    static const uint32_t leaves[] = {0xd, 0xe, 0x1f, 0x20, 0x3fffffff, 0x80000009, UINT32_MAX};
    (void)state;
    hide(hidden, 1);
    for (size_t i = 0; i < COUNT_OF(leaves); i++) {
        if (leaves[i] != 0xd) /* as a CPU does, and the simulated one does not */
            *simulated_leaf(leaves[i], 0) = x86_cpuid(0xd, 0);
        take_leaf(leaves[i], 0);
        assert_int_equal(guest.rax, 0);
        assert_int_equal(guest.rcx, x86_cpuid(0xd, 0).ecx);
    }
    take_leaf(0xd, 2);
    expect_cpuid(x86_cpuid(0xd, 2));
}

static void rip_moves_by_the_length(void **state)
{
    (void)state;
    for (uint32_t length = 2; length <= 15; length++) {
        exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, length);
        take_leaf(0, 0);
        expect_cpuid(x86_cpuid(0, 0));
        assert_int_equal(*simulated_field(VMCS_GUEST_RIP), EXIT_RIP + length);
    }
}

static void interruptibility_is_written_only_if_it_blocks(void **state)
{
    (void)state;
    for (uint32_t blocking = 0; blocking < 32; blocking++) {
        exit_field(VMCS_GUEST_INTERRUPTIBILITY, blocking);
        take_leaf(0, 0);
        expect_field(VMCS_GUEST_INTERRUPTIBILITY, blocking & ~3u);
        expect_cpuid(x86_cpuid(0, 0));
        assert_int_equal(cost.vmwrites, blocking & 3 ? 2 : 1);
        assert_int_equal(cost.vmreads, 3);
    }
}

/* The APIC timer is clocked by the TSC: the crystal of leaf 15H is that for the guest. */
static void leaf_15_tells_the_apic_timers_clock(void **state)
{
    (void)state;
    simulated_leaf(0, 0)->eax = 0x16;
    *simulated_leaf(0x15, 0) = (struct cpuid_registers){2, 216, 24000000, 0};
    take_leaf(0x15, 0);
    expect_cpuid((struct cpuid_registers){1, 1, 2592000000, 0});
    simulated_leaf(0x15, 0)->ecx = 0; /* not told */
    take_leaf(0x15, 0);
    expect_cpuid((struct cpuid_registers){1, 1, 0, 0});
    simulated_leaf(0x15, 0)->ecx = 100000000; /* more than 32 bits hold */
    take_leaf(0x15, 0);
    expect_cpuid((struct cpuid_registers){1, 1, 0, 0});
    *simulated_leaf(0x15, 0) = (struct cpuid_registers){0, 0, 0, 0};
    take_leaf(0x15, 0);
    expect_cpuid((struct cpuid_registers){0, 0, 0, 0});
    *simulated_leaf(0x15, 0) = (struct cpuid_registers){2, 216, 24000000, 0};
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    take_leaf(0x15, 0);
    expect_cpuid((struct cpuid_registers){2, 216, 24000000, 0});
    simulated_leaf(0, 0)->eax = 0xd; /* no such leaf */
    take_leaf(0x15, 0);
    expect_cpuid(x86_cpuid(0xd, 0));
}

static void leaf_1_hides_an_apic_that_is_disabled(void **state)
{
    (void)state;
    take_leaf(1, 0);
    assert_true(guest.rdx & CPUID_1_EDX_APIC);
    guest.apic.base &= ~(APIC_BASE_ENABLE | APIC_BASE_X2APIC);
    take_leaf(1, 0);
    assert_false(guest.rdx & CPUID_1_EDX_APIC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(other_leaves_are_the_cpus_own),
        exit_test(extended_state),
        exit_test(upper_halves_are_ignored_and_cleared),
        exit_test(leaf_1_shows_the_guest),
        exit_test(leaf_15_tells_the_apic_timers_clock),
        exit_test(leaf_1_hides_an_apic_that_is_disabled),
        exit_test(topology_leaves_show_the_guests_id),
        exit_test(hypervisor_leaves),
        exit_test(every_low_leaf_and_the_edges),
        exit_test(what_the_policy_hides),
        exit_test(nothing_hidden_shows_under_another_number),
        exit_test(rip_moves_by_the_length),
        exit_test(interruptibility_is_written_only_if_it_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
