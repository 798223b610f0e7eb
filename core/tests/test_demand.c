/* SPDX-License-Identifier: MIT */
#include "ept_fixture.h"

#include "../vmx/demand.h"

#include <string.h>

#define FIRST (1 * GIB - 3 * PAGE_SIZE) /* across two page tables */
#define PAGES 6u
#define POOL  4u

static struct demand demand;

static void make(size_t pool)
{
    assert_null(ept_create(&ept, &whole));
    first_generation = ept.generation;
    assert_true(demand_create(&demand, &ept, pool));
    assert_true(demand_add(&demand, FIRST, PAGES * PAGE_SIZE));
    assert_ptr_equal(ept.demand, &demand);
}

static void unmake(void)
{
    demand_destroy(&demand);
    demand_destroy(&demand);
    assert_null(ept.demand);
    ept_destroy(&ept);
    assert_int_equal(simulated_pages_held(), 0);
}

static uint8_t *page_of(unsigned page)
{
    uint64_t host;
    return ept_translate(&ept, FIRST + page * PAGE_SIZE, &host) ? platform_at(host) : NULL;
}

static enum demand_result supply(unsigned page, enum ept_access access)
{
    return demand_supply(&demand, FIRST + page * PAGE_SIZE + 0x123, access);
}

static bool is_zero(const uint8_t *page)
{
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        if (page[i])
            return false;
    return true;
}

static void pages_arrive_zeroed_and_apart(void **state)
{
    (void)state;
    make(POOL);
    unsigned calls = simulated_pages_calls();
    for (unsigned i = 0; i < PAGES; i++) {
        assert_null(page_of(i));
        assert_int_equal(supply(i, i % 2 ? EPT_WRITE : EPT_READ), DEMAND_SUPPLIED);
        assert_int_equal(entry_at(FIRST + i * PAGE_SIZE, 0) & 0xfff, SMALL_BITS);
        assert_true(is_zero(page_of(i)));
        memset(page_of(i), (int)i + 1, PAGE_SIZE);
        /* the pool first; what is not in it is allocated */
        assert_int_equal(simulated_pages_calls() - calls, i < POOL ? 0 : i - POOL + 1);
    }
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(*page_of(i), i + 1);
    assert_int_equal(changes(), 0); /* nothing is owed */
    unmake();
}

/* Another vCPU was there before: the page stays, and no other is used up. */
static void a_page_that_is_there_already(void **state)
{
    (void)state;
    make(POOL);
    assert_int_equal(supply(1, EPT_READ), DEMAND_SUPPLIED);
    uint8_t *page = page_of(1);
    *page = 7;
    assert_int_equal(supply(1, EPT_WRITE), DEMAND_SUPPLIED);
    assert_ptr_equal(page_of(1), page);
    assert_int_equal(*page, 7);
    assert_int_equal(demand.left, POOL - 1);
    assert_true(ept_protect(&ept, FIRST + PAGE_SIZE, PAGE_SIZE, EPT_READ));
    assert_int_equal(supply(1, EPT_READ), DEMAND_SUPPLIED);
    assert_int_equal(supply(1, EPT_WRITE), DEMAND_NOT_HERE);
    assert_int_equal(supply(1, EPT_EXECUTE), DEMAND_NOT_HERE);
    unmake();
}

static void elsewhere(void **state)
{
    static const uint64_t outside[] = {0, FIRST - 1, FIRST + PAGES * PAGE_SIZE, 1ull << 48,
                                       UINT64_MAX};
    (void)state;
    make(POOL);
    for (size_t i = 0; i < COUNT_OF(outside); i++)
        assert_int_equal(demand_supply(&demand, outside[i], EPT_READ), DEMAND_NOT_HERE);
    assert_int_equal(demand.left, POOL);
    unmake();
}

static void all_back(void **state)
{
    (void)state;
    make(POOL);
    for (unsigned turn = 0; turn < 3; turn++) {
        for (unsigned i = 0; i < PAGES; i++) {
            assert_int_equal(supply(i, EPT_WRITE), DEMAND_SUPPLIED);
            assert_true(is_zero(page_of(i)));
            memset(page_of(i), 0xee, PAGE_SIZE);
        }
        size_t held = simulated_pages_held();
        assert_true(demand_take_back(&demand));
        assert_int_equal(changes(), turn + 1);
        assert_int_equal(demand.left, POOL);
        assert_int_equal(held - simulated_pages_held(), PAGES - POOL);
        for (unsigned i = 0; i < PAGES; i++)
            assert_null(page_of(i));
    }
    assert_true(demand_take_back(&demand));
    assert_int_equal(changes(), 3); /* nothing was there */
    unmake();
}

static void no_taking_back_without_invept(void **state)
{
    (void)state;
    assert_null(ept_create(&ept, &with_2m));
    assert_true(demand_create(&demand, &ept, POOL));
    assert_true(demand_add(&demand, FIRST, PAGES * PAGE_SIZE));
    assert_int_equal(supply(0, EPT_READ), DEMAND_SUPPLIED);
    assert_false(demand_take_back(&demand));
    assert_non_null(page_of(0));
    unmake();
}

static void memory_runs_out(void **state)
{
    (void)state;
    make(1);
    assert_int_equal(supply(0, EPT_READ), DEMAND_SUPPLIED);
    simulated_pages_fail(1);
    assert_int_equal(supply(1, EPT_READ), DEMAND_NO_MEMORY);
    assert_null(page_of(1));
    assert_int_equal(supply(1, EPT_READ), DEMAND_SUPPLIED);
    unmake();
    for (unsigned n = 1; n <= 2; n++) {
        assert_null(ept_create(&ept, &whole));
        simulated_pages_fail(n);
        assert_false(demand_create(&demand, &ept, POOL));
        assert_null(ept.demand);
        ept_destroy(&ept);
    }
    /* the array of tables, then the five tables themselves */
    for (unsigned n = 1; n <= 7; n++) {
        assert_null(ept_create(&ept, &whole));
        assert_true(demand_create(&demand, &ept, POOL));
        simulated_pages_fail(n);
        assert_int_equal(demand_add(&demand, FIRST, PAGES * PAGE_SIZE), n == 7);
        simulated_pages_fail(0);
        unmake();
    }
}

static void refused_regions(void **state)
{
    static const struct {
        uint64_t first, bytes;
    } bad[] = {
        {0, 0},
        {1, PAGE_SIZE},
        {0, 1},
        {1ull << 48, PAGE_SIZE},
        {FIRST, PAGE_SIZE},
        {FIRST - PAGE_SIZE, 2 * PAGE_SIZE},
        {FIRST + (PAGES - 1) * PAGE_SIZE, 2 * PAGE_SIZE},
        {4 * MIB, 2 * MIB + PAGE_SIZE},   /* a page is mapped at its end */
        {8 * MIB + PAGE_SIZE, PAGE_SIZE}, /* in a large page */
    };
    (void)state;
    make(POOL);
    assert_true(ept_map(&ept, 6 * MIB, 0, PAGE_SIZE, EPT_ALL));
    assert_true(ept_map(&ept, 8 * MIB, 0, 2 * MIB, EPT_ALL));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(demand_add(&demand, bad[i].first, bad[i].bytes));
    for (unsigned i = 1; i <= DEMAND_REGIONS_MAX; i++)
        assert_int_equal(demand_add(&demand, i * 4 * GIB, PAGE_SIZE), i < DEMAND_REGIONS_MAX);
    assert_int_equal(demand_supply(&demand, 3 * 4 * GIB, EPT_READ), DEMAND_SUPPLIED);
    unmake();
}

/* The map's other users leave a region alone, and it them. */
static void other_mappings_beside(void **state)
{
    (void)state;
    make(POOL);
    assert_false(ept_map(&ept, FIRST, 0, PAGE_SIZE, EPT_ALL));
    assert_false(ept_map(&ept, GIB - 2 * MIB, 0, 2 * MIB, EPT_ALL));
    assert_int_equal(supply(3, EPT_READ), DEMAND_SUPPLIED);
    assert_false(ept_unmap(&ept, GIB, 2 * MIB));
    assert_non_null(page_of(3));
    assert_true(ept_map(&ept, FIRST - PAGE_SIZE, 0x5000, PAGE_SIZE, EPT_ALL));
    assert_true(ept_map(&ept, GIB + 2 * MIB, 0, 2 * MIB, EPT_ALL));
    assert_true(demand_take_back(&demand));
    expect_mapped(FIRST - PAGE_SIZE, 0x5000);
    assert_true(ept_unmap(&ept, FIRST - PAGE_SIZE, PAGE_SIZE));
    unmake();
}

/* All pages of a region of large ones are the same of the host's, and cost nothing. */
static void large_pages_are_one(void **state)
{
    static const struct {
        unsigned level;
        uint64_t bytes;
    } kinds[] = {{1, 2 * MIB}, {2, GIB}};
    const uint64_t backing = 7 * GIB;
    struct vmx_capability capability = with_1g;
    uint64_t host;
    (void)state;
    capability.ept_vpid |= EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const uint64_t first = 1023 * GIB + (i ? 0 : GIB - 2 * MIB), bytes = kinds[i].bytes;
        assert_null(ept_create(&ept, &capability));
        assert_true(demand_create(&demand, &ept, 1));
        assert_true(demand_add(&demand, 0, PAGE_SIZE));
        assert_true(demand_add_large(&demand, first, 3 * bytes, kinds[i].level, backing));
        assert_true(demand_claims(&demand, first + 3 * bytes - 1, 1));
        assert_false(ept_map(&ept, first, 0, PAGE_SIZE, EPT_ALL));
        unsigned calls = simulated_pages_calls();
        for (unsigned page = 0; page < 3; page++) {
            uint64_t at = first + page * bytes;
            expect_not_mapped(at);
            assert_int_equal(demand_supply(&demand, at + 0x1234, EPT_WRITE), DEMAND_SUPPLIED);
            assert_int_equal(entry_at(at, (int)kinds[i].level), backing | LARGE_BITS);
            expect_mapped(at + bytes - 1, backing + bytes - 1);
            assert_int_equal(demand_supply(&demand, at, EPT_READ), DEMAND_SUPPLIED);
        }
        assert_int_equal(demand_supply(&demand, first - 1, EPT_READ), DEMAND_NOT_HERE);
        assert_int_equal(demand_supply(&demand, first + 3 * bytes, EPT_READ), DEMAND_NOT_HERE);
        assert_int_equal(demand_supply(&demand, 0x10, EPT_READ), DEMAND_SUPPLIED);
        assert_int_equal(simulated_pages_calls(), calls);
        uint64_t generation = ept.generation;
        assert_true(demand_take_back(&demand)); /* neither zeroed nor freed: nobody's here */
        assert_int_not_equal(ept.generation, generation);
        assert_false(ept_translate(&ept, first, &host));
        assert_int_equal(demand_supply(&demand, first, EPT_READ), DEMAND_SUPPLIED);
        generation = ept.generation;
        assert_true(demand_remove(&demand, first));
        assert_int_not_equal(ept.generation, generation);
        expect_not_mapped(first);
        assert_false(demand_remove(&demand, first));
        assert_int_equal(demand_supply(&demand, first, EPT_READ), DEMAND_NOT_HERE);
        assert_int_equal(demand_supply(&demand, 0x10, EPT_READ), DEMAND_SUPPLIED);
        assert_true(demand_add_large(&demand, first, bytes, kinds[i].level, backing));
        unmake();
    }
}

static void large_pages_that_cannot_be(void **state)
{
    static const struct {
        uint64_t first, bytes;
        unsigned level;
        uint64_t host;
    } bad[] = {
        {GIB, 2 * MIB, 0, 0},        {GIB, 2 * MIB, 2, 0},
        {GIB + MIB, 2 * MIB, 1, 0},  {GIB, 3 * MIB, 1, 0},
        {GIB, 2 * MIB, 1, MIB},      {GIB, 2 * MIB, 1, 1ull << 52},
        {0, 2 * MIB, 1, 0},          {GIB, 0, 1, 0},
        {1ull << 48, 2 * MIB, 1, 0}, {1 * GIB - 2 * MIB, 4 * MIB, 1, 0},
    };
    struct vmx_capability capability = with_2m;
    (void)state;
    assert_null(ept_create(&ept, &capability)); /* without INVEPT */
    assert_true(ept_map(&ept, GIB - PAGE_SIZE, 0, PAGE_SIZE, EPT_ALL));
    assert_true(demand_create(&demand, &ept, 1));
    assert_true(demand_add(&demand, 0, PAGE_SIZE));
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_false(
            demand_add_large(&demand, bad[i].first, bad[i].bytes, bad[i].level, bad[i].host));
    assert_true(demand_add_large(&demand, GIB, 2 * MIB, 1, 0));
    assert_false(demand_remove(&demand, GIB));
    unmake();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(pages_arrive_zeroed_and_apart),
        simulated_test(a_page_that_is_there_already),
        simulated_test(elsewhere),
        simulated_test(all_back),
        simulated_test(no_taking_back_without_invept),
        simulated_test(memory_runs_out),
        simulated_test(refused_regions),
        simulated_test(other_mappings_beside),
        simulated_test(large_pages_are_one),
        simulated_test(large_pages_that_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
