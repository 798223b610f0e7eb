/* SPDX-License-Identifier: MIT */
/* Taking away, narrowing, splitting, and the flags that the CPU sets. */
#include "ept_fixture.h"

#include <string.h>

#define DIRTY_BITS 0x300ull /* accessed and dirty */

static void change_setup(void)
{
    assert_null(ept_create(&ept, &whole));
    first_generation = ept.generation;
}

static void unmapping(void **state)
{
    (void)state;
    change_setup();
    assert_true(ept_map(&ept, 0, GIB, 4 * MIB, EPT_ALL));
    assert_true(ept_unmap(&ept, 0, 4 * MIB));
    expect_not_mapped(0);
    expect_not_mapped(4 * MIB - 1);
    assert_true(ept_unmap(&ept, 0, 4 * MIB)); /* nothing there: nothing done */
    assert_true(ept_map(&ept, 0, 0x5000, 4 * MIB, EPT_READ));
    expect_mapped(4 * MIB - 1, 0x5000 + 4 * MIB - 1);
    ept_destroy(&ept);
}

static void showing_a_page(void **state)
{
    (void)state;
    change_setup();
    for (int turn = 0; turn < 3; turn++) {
        assert_true(ept_show_page(&ept, 2 * MIB, GIB, true));
        expect_mapped(2 * MIB + 8, GIB + 8);
        expect_not_mapped(2 * MIB + PAGE_SIZE);
        assert_true(ept_show_page(&ept, 2 * MIB, GIB + PAGE_SIZE, true)); /* there already */
        expect_mapped(2 * MIB + 8, GIB + 8);
        assert_true(ept_show_page(&ept, 2 * MIB, GIB, false));
        expect_not_mapped(2 * MIB);
    }
    assert_false(ept_show_page(&ept, 1, GIB, true));
    ept_destroy(&ept);
}

/* What lies around the range stays as it was. */
static void unmapping_within_large_pages(void **state)
{
    (void)state;
    change_setup();
    assert_true(ept_map(&ept, GIB, 3 * GIB, 2 * GIB, EPT_ALL));
    assert_int_equal(entry_at(GIB, 2), (3 * GIB) | LARGE_BITS);
    assert_true(ept_unmap(&ept, GIB + 3 * MIB, GIB));
    expect_mapped(GIB + 3 * MIB - 1, 3 * GIB + 3 * MIB - 1);
    expect_not_mapped(GIB + 3 * MIB);
    expect_not_mapped(2 * GIB + 3 * MIB - 1);
    expect_mapped(2 * GIB + 3 * MIB, 4 * GIB + 3 * MIB);
    expect_mapped(3 * GIB - 1, 5 * GIB - 1);
    /* whole 2 MiB stay what they are; the two at the ends are 4 KiB pages now */
    assert_int_equal(entry_at(GIB, 1), (3 * GIB) | LARGE_BITS);
    assert_int_equal(entry_at(GIB + 2 * MIB, 0), (3 * GIB + 2 * MIB) | SMALL_BITS);
    assert_int_equal(entry_at(2 * GIB + 4 * MIB, 1), (4 * GIB + 4 * MIB) | LARGE_BITS);
    assert_int_equal(entry_at(2 * GIB + 2 * MIB, 0), 0);
    ept_destroy(&ept);
}

static void protecting(void **state)
{
    uint64_t host;
    (void)state;
    change_setup();
    assert_true(ept_map_as(&ept, 0, GIB, 4 * MIB, EPT_ALL, EPT_UNCACHEABLE));
    assert_true(ept_protect(&ept, MIB, 2 * MIB, EPT_READ));
    assert_int_equal(entry_at(MIB - PAGE_SIZE, 0), (GIB + MIB - PAGE_SIZE) | 7);
    assert_int_equal(entry_at(MIB, 0), (GIB + MIB) | 1);
    assert_int_equal(entry_at(3 * MIB - PAGE_SIZE, 0), (GIB + 3 * MIB - PAGE_SIZE) | 1);
    assert_int_equal(entry_at(3 * MIB, 0), (GIB + 3 * MIB) | 7);
    assert_true(ept_reach(&ept, MIB, EPT_READ, &host));
    assert_false(ept_reach(&ept, MIB, EPT_WRITE, &host));
    assert_false(ept_protect(&ept, MIB, MIB, EPT_WRITE)); /* a misconfiguration */
    assert_false(ept_protect(&ept, MIB, MIB, EPT_NONE));
    assert_true(ept_protect(&ept, 0, 8 * MIB, EPT_ALL));
    assert_int_equal(entry_at(MIB, 0), (GIB + MIB) | 7 | EPT_ACCESSED); /* by what is above */
    expect_not_mapped(4 * MIB);                                         /* there was nothing */
    ept_destroy(&ept);
}

static void refused_ranges(void **state)
{
    static const struct {
        uint64_t first, bytes;
    } bad[] = {{1, PAGE_SIZE},
               {0, 100},
               {1ull << 48, PAGE_SIZE},
               {(1ull << 48) - PAGE_SIZE, 2 * PAGE_SIZE},
               {UINT64_MAX - 0xfff, PAGE_SIZE}};
    uint8_t bits[2];
    (void)state;
    change_setup();
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        assert_false(ept_unmap(&ept, bad[i].first, bad[i].bytes));
        assert_false(ept_protect(&ept, bad[i].first, bad[i].bytes, EPT_ALL));
        assert_false(ept_split(&ept, bad[i].first, bad[i].bytes));
        assert_false(ept_take_flags(&ept, EPT_DIRTY, bad[i].first, bad[i].bytes, bits));
    }
    assert_true(ept_map(&ept, (1ull << 48) - 2 * MIB, 0, 2 * MIB, EPT_ALL));
    assert_true(ept_unmap(&ept, (1ull << 48) - PAGE_SIZE, PAGE_SIZE));
    expect_not_mapped((1ull << 48) - 1);
    expect_mapped((1ull << 48) - PAGE_SIZE - 1, 2 * MIB - PAGE_SIZE - 1);
    ept_destroy(&ept);
}

/* Wherever memory for a split runs out, the map says the same as before. */
static void splits_without_memory(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 4; n++) {
        change_setup();
        assert_true(ept_map(&ept, 0, GIB, 2 * GIB, EPT_ALL));
        simulated_pages_fail(n);
        assert_false(ept_unmap(&ept, PAGE_SIZE, GIB));
        expect_mapped(PAGE_SIZE, GIB + PAGE_SIZE);
        expect_mapped(GIB + PAGE_SIZE - 1, 2 * GIB + PAGE_SIZE - 1);
        assert_int_equal(changes(), 0);
        simulated_pages_fail(0);
        assert_true(ept_unmap(&ept, PAGE_SIZE, GIB));
        assert_int_equal(changes(), 1);
        ept_destroy(&ept);
    }
    change_setup();
    assert_true(ept_map(&ept, 0, GIB, 4 * MIB, EPT_ALL));
    simulated_pages_fail(2);
    assert_false(ept_split(&ept, 0, 4 * MIB));
    expect_mapped(4 * MIB - 1, GIB + 4 * MIB - 1);
    assert_true(ept_split(&ept, 0, 4 * MIB));
    assert_int_equal(entry_at(4 * MIB - 1, 0), (GIB + 4 * MIB - PAGE_SIZE) | SMALL_BITS);
    ept_destroy(&ept);
}

static void touch(uint64_t guest_physical, enum ept_access access)
{
    uint64_t host;
    assert_true(ept_reach(&ept, guest_physical, access, &host));
}

/* What the core does on the guest's behalf is noted as if the guest had done it. */
static void flags_of_accesses(void **state)
{
    uint64_t host;
    (void)state;
    change_setup();
    assert_true(ept_map(&ept, 0, GIB, 3 * PAGE_SIZE, EPT_ALL));
    assert_true(ept_protect(&ept, 2 * PAGE_SIZE, PAGE_SIZE, EPT_READ));
    expect_mapped(0, GIB);
    assert_int_equal(entry_at(0, 0), GIB | SMALL_BITS); /* a look is no access */
    touch(0, EPT_EXECUTE);
    assert_int_equal(entry_at(0, 0), GIB | SMALL_BITS | EPT_ACCESSED);
    touch(PAGE_SIZE, EPT_WRITE);
    assert_int_equal(entry_at(PAGE_SIZE, 0), (GIB + PAGE_SIZE) | SMALL_BITS | DIRTY_BITS);
    assert_false(ept_reach(&ept, 2 * PAGE_SIZE, EPT_WRITE, &host));
    assert_int_equal(entry_at(2 * PAGE_SIZE, 0), (GIB + 2 * PAGE_SIZE) | 0x31);
    ept_destroy(&ept);
    /* a CPU that keeps none: the bits are ignored there, and left alone */
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, 0, GIB, PAGE_SIZE, EPT_ALL));
    touch(0, EPT_WRITE);
    assert_int_equal(entry_at(0, 0), GIB | SMALL_BITS);
    assert_false(ept_take_flags(&ept, EPT_DIRTY, 0, PAGE_SIZE, (uint8_t[1]){0}));
    ept_destroy(&ept);
}

static void taking_flags(void **state)
{
    uint8_t bits[4];
    (void)state;
    change_setup();
    assert_true(ept_map(&ept, 0, GIB, 20 * PAGE_SIZE, EPT_ALL));
    touch(3 * PAGE_SIZE, EPT_READ);
    touch(9 * PAGE_SIZE + 5, EPT_WRITE);
    touch(19 * PAGE_SIZE, EPT_WRITE);
    memset(bits, 0xee, sizeof(bits));
    assert_true(ept_take_flags(&ept, EPT_DIRTY, 0, 20 * PAGE_SIZE, bits));
    assert_memory_equal(bits, ((uint8_t[]){0, 2, 8, 0xee}), 4);
    assert_int_equal(changes(), 1);
    assert_true(ept_take_flags(&ept, EPT_DIRTY, 0, 20 * PAGE_SIZE, bits));
    assert_memory_equal(bits, ((uint8_t[]){0, 0, 0, 0xee}), 4);
    assert_int_equal(changes(), 1); /* there was nothing to take */
    assert_true(ept_take_flags(&ept, EPT_ACCESSED, 3 * PAGE_SIZE, 7 * PAGE_SIZE, bits));
    assert_memory_equal(bits, ((uint8_t[]){0x41, 0, 0, 0xee}), 4);
    assert_int_equal(changes(), 2);
    assert_true(ept_take_flags(&ept, EPT_ACCESSED, 0, 20 * PAGE_SIZE, bits));
    assert_memory_equal(bits, ((uint8_t[]){0, 0, 8, 0xee}), 4);
    ept_destroy(&ept);
}

/* A large page speaks for all of itself, and hands its flags on when it is split. */
static void flags_of_large_pages(void **state)
{
    uint8_t bits[64];
    (void)state;
    change_setup();
    assert_true(ept_map(&ept, 0, GIB, 4 * MIB, EPT_ALL));
    touch(2 * MIB - 1, EPT_WRITE);
    assert_true(ept_take_flags(&ept, EPT_DIRTY, MIB, 512 * PAGE_SIZE, bits));
    for (unsigned i = 0; i < 64; i++)
        assert_int_equal(bits[i], i < 32 ? 0xff : 0);
    assert_int_equal(entry_at(0, 1), GIB | LARGE_BITS | EPT_ACCESSED);
    touch(2 * MIB, EPT_WRITE);
    assert_true(ept_split(&ept, 0, 4 * MIB));
    assert_int_equal(entry_at(0, 0), GIB | SMALL_BITS | EPT_ACCESSED);
    assert_int_equal(entry_at(4 * MIB - 1, 0),
                     (GIB + 4 * MIB - PAGE_SIZE) | SMALL_BITS | DIRTY_BITS);
    assert_int_equal(changes(), 1);
    assert_true(ept_take_flags(&ept, EPT_DIRTY, 2 * MIB, PAGE_SIZE, bits));
    assert_int_equal(entry_at(2 * MIB + PAGE_SIZE, 0),
                     (GIB + 2 * MIB + PAGE_SIZE) | SMALL_BITS | DIRTY_BITS);
    ept_destroy(&ept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(unmapping),
        simulated_test(showing_a_page),
        simulated_test(unmapping_within_large_pages),
        simulated_test(protecting),
        simulated_test(refused_ranges),
        simulated_test(splits_without_memory),
        simulated_test(flags_of_accesses),
        simulated_test(taking_flags),
        simulated_test(flags_of_large_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
