/* SPDX-License-Identifier: MIT */
#include "ept_fixture.h"

static void pointer_bits(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_int_equal(ept.pointer, platform_physical(ept.root) | 0x1e);
    assert_int_equal(simulated_pages_held(), 1);
    expect_not_mapped(0);
    ept_destroy(&ept);
    assert_null(ept.root);
    ept_destroy(&ept);
}

static void refused_creation(void **state)
{
    struct vmx_capability capability = {.ept_vpid = WALK_4_2M & ~EPT_CAP_WALK_4};
    (void)state;
    ept = (struct ept){0};
    assert_string_equal(ept_create(&ept, &capability),
                        "EPT with a page-walk length of 4 is not available");
    capability.ept_vpid = WALK_4_2M & ~EPT_CAP_WRITE_BACK;
    assert_string_equal(ept_create(&ept, &capability),
                        "EPT paging structures in write-back memory are not available");
    simulated_pages_fail(1);
    assert_string_equal(ept_create(&ept, &with_2m), "no memory for the EPT PML4 table");
    ept_destroy(&ept);
}

static void small_pages(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, 0x5000, 0x123456000, 3 * PAGE_SIZE, EPT_ALL));
    assert_int_equal(entry_at(0x5000, 0), 0x123456000 | SMALL_BITS);
    assert_int_equal(entry_at(0x7fff, 0), 0x123458000 | SMALL_BITS);
    assert_int_equal(entry_at(0x4000, 0), 0);
    assert_int_equal(entry_at(0x8000, 0), 0);
    expect_mapped(0x5000, 0x123456000);
    expect_mapped(0x7fff, 0x123458fff);
    expect_not_mapped(0x4fff);
    expect_not_mapped(0x8000);
    assert_int_equal(simulated_pages_held(), 4);
    ept_destroy(&ept);
}

static void large_pages(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, 4 * MIB, GIB, 4 * MIB, EPT_ALL));
    assert_int_equal(entry_at(4 * MIB, 1), GIB | LARGE_BITS);
    assert_int_equal(entry_at(6 * MIB, 1), (GIB + 2 * MIB) | LARGE_BITS);
    expect_mapped(6 * MIB - 1, GIB + 2 * MIB - 1);
    expect_mapped(8 * MIB - 1, GIB + 4 * MIB - 1);
    expect_not_mapped(4 * MIB - 1);
    expect_not_mapped(8 * MIB);
    assert_int_equal(simulated_pages_held(), 3); /* no page table */
    ept_destroy(&ept);
}

static void large_pages_where_aligned_only(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    /* 4 KiB up to the boundary, one large page, 4 KiB for the rest */
    assert_true(
        ept_map(&ept, 2 * MIB - PAGE_SIZE, GIB - PAGE_SIZE, 2 * MIB + 3 * PAGE_SIZE, EPT_ALL));
    assert_int_equal(entry_at(2 * MIB - 1, 0), (GIB - PAGE_SIZE) | SMALL_BITS);
    assert_int_equal(entry_at(2 * MIB, 1), GIB | LARGE_BITS);
    assert_int_equal(entry_at(4 * MIB, 0), (GIB + 2 * MIB) | SMALL_BITS);
    expect_mapped(4 * MIB + 2 * PAGE_SIZE - 1, GIB + 2 * MIB + 2 * PAGE_SIZE - 1);
    expect_not_mapped(4 * MIB + 2 * PAGE_SIZE);
    /* the host side is not aligned */
    assert_true(ept_map(&ept, 8 * MIB, GIB + PAGE_SIZE, 2 * MIB, EPT_ALL));
    assert_int_equal(entry_at(8 * MIB, 0), (GIB + PAGE_SIZE) | SMALL_BITS);
    ept_destroy(&ept);
}

static void no_large_pages_on_this_cpu(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &without_2m));
    assert_true(ept_map(&ept, 0, GIB, 4 * MIB, EPT_ALL));
    assert_int_equal(entry_at(2 * MIB, 0), (GIB + 2 * MIB) | SMALL_BITS);
    expect_mapped(4 * MIB - 1, GIB + 4 * MIB - 1);
    assert_int_equal(simulated_pages_held(), 5);
    ept_destroy(&ept);
}

static void access_bits(void **state)
{
    static const enum ept_access access[] = {EPT_READ, (enum ept_access)(EPT_READ | EPT_WRITE),
                                             (enum ept_access)(EPT_READ | EPT_EXECUTE), EPT_ALL};
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    for (unsigned i = 0; i < COUNT_OF(access); i++) {
        assert_true(ept_map(&ept, i * PAGE_SIZE, 0, PAGE_SIZE, access[i]));
        assert_int_equal(entry_at(i * PAGE_SIZE, 0), 0x30 | access[i]);
        assert_true(ept_map(&ept, GIB + i * 2 * MIB, 0, 2 * MIB, access[i]));
        assert_int_equal(entry_at(GIB + i * 2 * MIB, 1), 0xb0 | access[i]);
    }
    ept_destroy(&ept);
}

static void refused_mappings(void **state)
{
    static const struct {
        uint64_t guest, host, bytes;
    } bad[] = {
        {1, 0, PAGE_SIZE},
        {0, 0x800, PAGE_SIZE},
        {0, 0, 100},
        {1ull << 48, 0, PAGE_SIZE},
        {(1ull << 48) - PAGE_SIZE, 0, 2 * PAGE_SIZE},
        {UINT64_MAX - 0xfff, 0, PAGE_SIZE},
        {0, 1ull << 52, PAGE_SIZE},
    };
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(ept_map(&ept, bad[i].guest, bad[i].host, bad[i].bytes, EPT_ALL));
    assert_int_equal(simulated_pages_held(), 1);
    expect_not_mapped(0);
    expect_not_mapped(1ull << 48);
    expect_not_mapped(UINT64_MAX);
    /* the last page below 2^48 */
    assert_true(ept_map(&ept, (1ull << 48) - PAGE_SIZE, 0x1000, PAGE_SIZE, EPT_ALL));
    expect_mapped((1ull << 48) - 1, 0x1fff);
    ept_destroy(&ept);
}

static void overlaps_are_refused(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, 0, 0, 2 * MIB, EPT_ALL));
    assert_true(ept_map(&ept, 4 * MIB + PAGE_SIZE, 0, PAGE_SIZE, EPT_ALL));
    assert_false(ept_map(&ept, 0, GIB, 2 * MIB, EPT_ALL));           /* large on large */
    assert_false(ept_map(&ept, PAGE_SIZE, GIB, PAGE_SIZE, EPT_ALL)); /* small in large */
    assert_false(ept_map(&ept, 4 * MIB, GIB, 2 * MIB, EPT_ALL));     /* large over small */
    assert_false(ept_map(&ept, 4 * MIB + PAGE_SIZE, GIB, PAGE_SIZE, EPT_READ));
    expect_mapped(0, 0);
    expect_mapped(PAGE_SIZE, PAGE_SIZE);
    expect_mapped(4 * MIB + PAGE_SIZE, 0);
    expect_not_mapped(4 * MIB);
    ept_destroy(&ept);
}

/* Wherever memory runs out, destroying frees all there is. */
static void memory_runs_out(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        assert_null(ept_create(&ept, &with_2m));
        simulated_pages_fail(n);
        bool done = ept_map(&ept, GIB - 2 * MIB - PAGE_SIZE, 0x5000, 6 * MIB, EPT_ALL);
        simulated_pages_fail(0);
        ept_destroy(&ept);
        assert_int_equal(simulated_pages_held(), 0);
        if (done) {
            assert_int_equal(n, 7 + 1); /* two directories, five page tables are not to be had */
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(pointer_bits),
        simulated_test(refused_creation),
        simulated_test(small_pages),
        simulated_test(large_pages),
        simulated_test(large_pages_where_aligned_only),
        simulated_test(no_large_pages_on_this_cpu),
        simulated_test(access_bits),
        simulated_test(refused_mappings),
        simulated_test(overlaps_are_refused),
        simulated_test(memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
