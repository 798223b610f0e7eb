/* SPDX-License-Identifier: MIT */
/* Page sizes, memory types and access, as far as a CPU has them. */
#include "ept_fixture.h"

/* A page of 1 GiB where it fits, 2 MiB on the way there, 4 KiB on the way to those. */
static void pages_of_all_sizes(void **state)
{
    const uint64_t first = GIB - 2 * MIB - PAGE_SIZE, host = 5 * GIB;
    (void)state;
    assert_null(ept_create(&ept, &with_1g));
    assert_true(ept_map(&ept, first, host - (GIB - first), 2 * GIB + 2 * MIB, EPT_ALL));
    assert_int_equal(entry_at(first, 0), (host - 2 * MIB - PAGE_SIZE) | SMALL_BITS);
    assert_int_equal(entry_at(GIB - 1, 1), (host - 2 * MIB) | LARGE_BITS);
    assert_int_equal(entry_at(GIB, 2), host | LARGE_BITS);
    assert_int_equal(entry_at(2 * GIB, 1), (host + GIB) | LARGE_BITS);
    expect_mapped(2 * GIB - 1, host + GIB - 1);
    expect_mapped(first + 2 * GIB + 2 * MIB - 1, host + GIB + GIB - PAGE_SIZE - 1);
    expect_not_mapped(first + 2 * GIB + 2 * MIB);
    ept_destroy(&ept);
    /* where the CPU has none, or the host side is not aligned */
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, GIB, GIB, GIB, EPT_ALL));
    assert_int_equal(entry_at(GIB, 1), GIB | LARGE_BITS);
    ept_destroy(&ept);
    assert_null(ept_create(&ept, &with_1g));
    assert_true(ept_map(&ept, GIB, GIB + 2 * MIB, GIB, EPT_ALL));
    assert_int_equal(entry_at(GIB, 1), (GIB + 2 * MIB) | LARGE_BITS);
    ept_destroy(&ept);
}

static void memory_types(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map_as(&ept, 0, GIB, PAGE_SIZE, EPT_READ, EPT_UNCACHEABLE));
    assert_true(ept_map_as(&ept, 2 * MIB, GIB, 2 * MIB, EPT_ALL, EPT_UNCACHEABLE));
    assert_true(ept_map_as(&ept, PAGE_SIZE, GIB, PAGE_SIZE, EPT_READ, EPT_WRITE_BACK));
    assert_int_equal(entry_at(0, 0), GIB | 1);
    assert_int_equal(entry_at(2 * MIB, 1), GIB | 0x87);
    assert_int_equal(entry_at(PAGE_SIZE, 0), GIB | 0x31);
    ept_destroy(&ept);
}

/* What a CPU takes for a misconfiguration, SDM Vol. 3C 29.3.3.1. */
static void access_that_no_entry_may_have(void **state)
{
    static const struct {
        unsigned access;
        bool without, with; /* execute-only translations */
    } cases[] = {{0, false, false}, {1, true, true}, {2, false, false}, {3, true, true},
                 {4, false, true},  {5, true, true}, {6, false, false}, {7, true, true}};
    struct vmx_capability capability = with_2m;
    (void)state;
    for (int execute_only = 0; execute_only < 2; execute_only++) {
        capability.ept_vpid = WALK_4_2M | (execute_only ? EPT_CAP_EXECUTE_ONLY : 0);
        assert_null(ept_create(&ept, &capability));
        for (unsigned i = 0; i < COUNT_OF(cases); i++)
            assert_int_equal(
                ept_map(&ept, i * PAGE_SIZE, 0, PAGE_SIZE, (enum ept_access)cases[i].access),
                execute_only ? cases[i].with : cases[i].without);
        ept_destroy(&ept);
    }
}

static void addresses_as_wide_as_the_cpu(void **state)
{
    struct vmx_capability capability = with_2m;
    (void)state;
    capability.physical_bits = 39;
    assert_null(ept_create(&ept, &capability));
    assert_false(ept_map(&ept, 0, 1ull << 39, PAGE_SIZE, EPT_ALL));
    assert_false(ept_map(&ept, 0, (1ull << 39) - PAGE_SIZE, 2 * PAGE_SIZE, EPT_ALL));
    assert_true(ept_map(&ept, 0, (1ull << 39) - PAGE_SIZE, PAGE_SIZE, EPT_ALL));
    ept_destroy(&ept);
}

static void accessed_and_dirty_in_the_pointer(void **state)
{
    struct vmx_capability capability = {.ept_vpid = WALK_4_2M | EPT_CAP_ACCESSED_DIRTY};
    (void)state;
    assert_null(ept_create(&ept, &capability));
    assert_int_equal(ept.pointer, platform_physical(ept.root) | 0x5e);
    ept_destroy(&ept);
}

/* A mapping that memory does not suffice for leaves nothing behind. */
static void all_or_nothing(void **state)
{
    const uint64_t first = GIB - 2 * MIB - PAGE_SIZE, bytes = 6 * MIB;
    (void)state;
    for (unsigned n = 1; n <= 6; n++) {
        assert_null(ept_create(&ept, &with_2m));
        assert_true(ept_map(&ept, GIB + 8 * MIB, 0x7000, PAGE_SIZE, EPT_ALL));
        simulated_pages_fail(n);
        bool done = ept_map(&ept, first, 0x5000, bytes, EPT_ALL);
        assert_int_equal(done, n == 6);
        for (uint64_t at = first; at < first + bytes; at += PAGE_SIZE)
            if (done)
                expect_mapped(at, 0x5000 + at - first);
            else
                expect_not_mapped(at);
        simulated_pages_fail(0);
        if (!done)
            assert_true(ept_map(&ept, first, 0x5000, bytes, EPT_ALL));
        ept_destroy(&ept);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(pages_of_all_sizes),
        simulated_test(memory_types),
        simulated_test(access_that_no_entry_may_have),
        simulated_test(addresses_as_wide_as_the_cpu),
        simulated_test(accessed_and_dirty_in_the_pointer),
        simulated_test(all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
