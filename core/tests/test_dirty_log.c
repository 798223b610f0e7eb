/* SPDX-License-Identifier: MIT */
/* What is written is noted, once it can be; and the page that a walk of the map found. */
#include "ept_fixture.h"

#include "../vmx/demand.h"
#include "../vmx/dirty_log.h"

#define FIRST (2 * MIB - 3 * PAGE_SIZE)
#define PAGES 20u
#define BYTES (PAGES * PAGE_SIZE)

static struct dirty_log log;

static void make(void)
{
    assert_null(ept_create(&ept, &whole));
    assert_true(ept_map(&ept, 0, 0x40000000, 8 * MIB, EPT_ALL));
    assert_true(dirty_log_create(&log, &ept, FIRST, BYTES));
    assert_ptr_equal(ept.log, &log);
    first_generation = ept.generation;
}

static void unmake(void)
{
    dirty_log_destroy(&log);
    dirty_log_destroy(&log);
    assert_null(ept.log);
    ept_destroy(&ept);
    assert_int_equal(simulated_pages_held(), 0);
}

static bool allows(uint64_t guest_physical, enum ept_access access)
{
    uint64_t host;
    return ept_reach(&ept, guest_physical, access, &host);
}

static void first_writes_are_noted(void **state)
{
    (void)state;
    make();
    assert_false(dirty_log_note(&log, FIRST)); /* it is not on */
    dirty_log_start(&log);
    assert_int_equal(changes(), 1); /* INVEPT is owed */
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t at = FIRST + i * PAGE_SIZE + 0x123;
        assert_true(allows(at, EPT_READ) && allows(at, EPT_EXECUTE) && !allows(at, EPT_WRITE));
        assert_false(dirty_log_has(&log, at));
        if (i % 3)
            continue;
        assert_true(dirty_log_note(&log, at));
        assert_true(allows(at, EPT_WRITE) && dirty_log_has(&log, at));
        assert_true(dirty_log_note(&log, at)); /* another vCPU, a moment later */
    }
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(dirty_log_has(&log, FIRST + i * PAGE_SIZE), i % 3 == 0);
    expect_mapped(FIRST + 5 * PAGE_SIZE, 0x40000000 + FIRST + 5 * PAGE_SIZE);
    assert_int_equal(changes(), 1); /* what is added owes nothing */
    dirty_log_start(&log);
    assert_false(dirty_log_has(&log, FIRST) || allows(FIRST, EPT_WRITE));
    assert_true(dirty_log_note(&log, FIRST));
    dirty_log_end(&log);
    assert_true(allows(FIRST + PAGE_SIZE, EPT_WRITE) && dirty_log_has(&log, FIRST));
    assert_false(dirty_log_note(&log, FIRST + PAGE_SIZE));
    unmake();
}

static void elsewhere(void **state)
{
    static const uint64_t outside[] = {0, FIRST - 1, FIRST + BYTES, 1ull << 48, UINT64_MAX};
    (void)state;
    make();
    dirty_log_start(&log);
    for (size_t i = 0; i < COUNT_OF(outside); i++) {
        assert_false(dirty_log_note(&log, outside[i]));
        assert_false(dirty_log_has(&log, outside[i]));
    }
    assert_true(allows(FIRST - 1, EPT_WRITE) && allows(FIRST + BYTES, EPT_WRITE));
    unmake();
}

static void refused(void **state)
{
    struct dirty_log other;
    (void)state;
    make();
    assert_false(dirty_log_create(&other, &ept, 4 * MIB, PAGE_SIZE)); /* there is one */
    dirty_log_destroy(&log);
    assert_false(dirty_log_create(&log, &ept, 0, 0));
    assert_false(dirty_log_create(&log, &ept, 1, PAGE_SIZE));
    assert_false(dirty_log_create(&log, &ept, 8 * MIB - PAGE_SIZE, 2 * PAGE_SIZE)); /* a hole */
    assert_true(ept_protect(&ept, 6 * MIB, PAGE_SIZE, EPT_READ));
    assert_false(dirty_log_create(&log, &ept, 6 * MIB - PAGE_SIZE, 2 * PAGE_SIZE));
    assert_null(ept.log);
    assert_true(ept_map(&ept, 16 * MIB, 0, 2 * MIB, EPT_ALL));
    simulated_pages_fail(1);
    assert_false(dirty_log_create(&log, &ept, 16 * MIB, PAGE_SIZE)); /* the table of a split */
    simulated_pages_fail(2);
    assert_false(dirty_log_create(&log, &ept, 16 * MIB, PAGE_SIZE)); /* its own bits */
    simulated_pages_fail(0);
    assert_true(dirty_log_create(&log, &ept, 16 * MIB, PAGE_SIZE));
    unmake();
    assert_null(ept_create(&ept, &with_2m));
    assert_true(ept_map(&ept, 0, 0, 2 * MIB, EPT_ALL));
    assert_false(dirty_log_create(&log, &ept, 0, PAGE_SIZE)); /* no INVEPT */
    ept_destroy(&ept);
}

/* For other addresses in it nothing more is asked: so it may not say more than was set. */
static void the_page_that_was_found(void **state)
{
    struct ept_window window = {0};
    (void)state;
    assert_null(ept_create(&ept, &whole));
    assert_true(ept_map(&ept, 0, 0x40000000, 2 * MIB, EPT_ALL));
    assert_true(ept_map(&ept, 4 * MIB, 0x5000, PAGE_SIZE, (enum ept_access)(EPT_READ | EPT_WRITE)));
    assert_true(ept_reach_page(&ept, 0x12345, EPT_NONE, &window));
    assert_int_equal(window.access, 0);
    assert_true(ept_reach_page(&ept, 0x12345, EPT_READ, &window));
    assert_int_equal(window.first, 0);
    assert_int_equal(window.bytes, 2 * MIB);
    assert_int_equal(window.host, 0x40000000);
    assert_int_equal(window.access, EPT_READ | EPT_EXECUTE); /* not dirty yet */
    assert_true(ept_reach_page(&ept, 0x12345, EPT_WRITE, &window));
    assert_int_equal(window.access, EPT_ALL);
    assert_true(ept_reach_page(&ept, 0x54321, EPT_READ, &window));
    assert_int_equal(window.access, EPT_ALL); /* it is dirty by now */
    assert_true(ept_reach_page(&ept, 4 * MIB + 0x678, EPT_WRITE, &window));
    assert_int_equal(window.first, 4 * MIB);
    assert_int_equal(window.bytes, PAGE_SIZE);
    assert_int_equal(window.host, 0x5000);
    assert_int_equal(window.access, EPT_READ | EPT_WRITE);
    assert_false(ept_reach_page(&ept, 4 * MIB, EPT_EXECUTE, &window));
    assert_false(ept_reach_page(&ept, 2 * MIB, EPT_READ, &window));
    assert_int_equal(window.first, 4 * MIB); /* as it was */
    ept_destroy(&ept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(first_writes_are_noted),
        simulated_test(elsewhere),
        simulated_test(refused),
        simulated_test(the_page_that_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
