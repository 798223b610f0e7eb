/* SPDX-License-Identifier: MIT */
/* Reading, writing and fetching through the walk; test_walk_random.c has the walk itself. */
#include "walk_model.h"

#include <string.h>

/* 4-level tables in pages 1 to 4; linear page n at 2 MiB is guest-physical page data[n]. */
#define LINEAR 0x200000ull

static struct vcpu guest;
static struct guest_fault fault;
static const uint8_t data[] = {5, 9, 6, WALK_HOLE, WALK_READ_ONLY, WALK_NO_EXECUTE, 7, 8};
#define NOT_PRESENT 6u /* of those, by the guest's own table */

static int setup(void **state)
{
    simulated_cpu_setup(state);
    simulated_vmcs_current();
    walk_memory_make();
    guest = (struct vcpu){.ept = &walk_ept};
    fault = (struct guest_fault){0};
    walk_mode_set(&(struct walk_mode){
        .cr0 = CR0_PG | CR0_WP | 1,
        .cr3 = 0x1018, /* PWT and PCD are no part of the address */
        .cr4 = CR4_PAE,
        .efer = EFER_LMA | 1u << 8,
        .rflags = 2,
        .long_code = true,
    });
    for (unsigned level = 1; level <= 3; level++)
        walk_entry(level, level == 3, (level + 1) * PAGE_SIZE | 7);
    for (unsigned i = 0; i < COUNT_OF(data); i++)
        walk_entry(4, i, data[i] * PAGE_SIZE | (i == NOT_PRESENT ? 6 : 7));
    return 0;
}

static int teardown(void **state)
{
    walk_memory_free();
    return simulated_cpu_teardown(state);
}

static void fill(uint8_t *bytes, size_t size, uint64_t seed)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)random_bits(&seed);
}

static void across_two_pages(void **state)
{
    static uint8_t written[PAGE_SIZE], read[PAGE_SIZE];
    static const size_t sizes[] = {1, 2, 3, 8, 100, PAGE_SIZE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++)
        for (uint64_t offset = PAGE_SIZE - 101; offset <= PAGE_SIZE; offset++) {
            size_t size = sizes[i], first = size < PAGE_SIZE - offset ? size : PAGE_SIZE - offset;
            fill(written, size, offset * 8 + i);
            assert_int_equal(
                guest_write(&guest, LINEAR + offset, written, size, GUEST_WRITE, &fault),
                GUEST_REACHED);
            assert_memory_equal(walk_page[5] + offset, written, first);
            if (offset < PAGE_SIZE)
                assert_memory_equal(walk_page[9], written + first, size - first);
            memset(read, 0, size);
            assert_int_equal(guest_read(&guest, LINEAR + offset, read, size, GUEST_READ, &fault),
                             GUEST_REACHED);
            assert_memory_equal(read, written, size);
        }
}

/* The first page is there, the second not: no byte moves and no flag is set. */
static void a_second_page_that_faults(void **state)
{
    uint8_t before[PAGE_SIZE], bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    uint64_t page = 5;
    (void)state;
    memcpy(before, walk_page[WALK_NO_EXECUTE], PAGE_SIZE);
    for (unsigned inside = 1; inside < 8; inside++) {
        uint64_t linear = LINEAR + (page + 1) * PAGE_SIZE - inside;
        assert_int_equal(guest_write(&guest, linear, bytes, 8, GUEST_WRITE, &fault),
                         GUEST_PAGE_FAULT);
        assert_int_equal(fault.address, LINEAR + (page + 1) * PAGE_SIZE);
        assert_int_equal(fault.error, PAGE_FAULT_WRITE);
    }
    assert_memory_equal(before, walk_page[WALK_NO_EXECUTE], PAGE_SIZE);
    for (unsigned level = 1; level <= 4; level++)
        assert_int_equal(walk_entry_at(level, level == 3   ? 1
                                              : level == 4 ? (unsigned)page
                                                           : 0) &
                             0x60,
                         0);
    assert_int_equal(guest_read(&guest, LINEAR + 6 * PAGE_SIZE, bytes, 8, GUEST_READ, &fault),
                     GUEST_PAGE_FAULT);
    assert_int_equal(fault.error, 0);
}

static void what_ept_denies(void **state)
{
    uint8_t bytes[4] = {0};
    (void)state;
    assert_int_equal(guest_read(&guest, LINEAR + 3 * PAGE_SIZE + 5, bytes, 4, GUEST_READ, &fault),
                     GUEST_OUTSIDE);
    assert_int_equal(fault.address, WALK_HOLE * PAGE_SIZE + 5);
    assert_int_equal(guest_read(&guest, LINEAR + 4 * PAGE_SIZE, bytes, 4, GUEST_READ, &fault),
                     GUEST_REACHED);
    assert_int_equal(guest_write(&guest, LINEAR + 4 * PAGE_SIZE, bytes, 4, GUEST_WRITE, &fault),
                     GUEST_OUTSIDE);
    assert_int_equal(fault.address, WALK_READ_ONLY * PAGE_SIZE);
    assert_int_equal(guest_read(&guest, LINEAR + 5 * PAGE_SIZE, bytes, 4, GUEST_FETCH, &fault),
                     GUEST_OUTSIDE);
    *simulated_field(VMCS_GUEST_CR3) = WALK_HOLE * PAGE_SIZE;
    assert_int_equal(guest_read(&guest, LINEAR, bytes, 4, GUEST_READ, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, WALK_HOLE * PAGE_SIZE);
    *simulated_field(VMCS_GUEST_CR3) = 0x000ffffffffff000;
    assert_int_equal(guest_read(&guest, LINEAR, bytes, 4, GUEST_READ, &fault), GUEST_OUTSIDE);
}

/* A read-only page of tables serves as long as no flag has to be set in it. */
static void tables_that_ept_protects(void **state)
{
    uint8_t byte = 0;
    (void)state;
    memcpy(walk_page[WALK_READ_ONLY], walk_page[4], PAGE_SIZE);
    walk_entry(3, 1, WALK_READ_ONLY * PAGE_SIZE | 7);
    assert_int_equal(guest_read(&guest, LINEAR, &byte, 1, GUEST_READ, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, WALK_READ_ONLY * PAGE_SIZE);
    walk_entry(WALK_READ_ONLY, 0, walk_entry_at(WALK_READ_ONLY, 0) | 0x20);
    assert_int_equal(guest_read(&guest, LINEAR, &byte, 1, GUEST_READ, &fault), GUEST_REACHED);
    assert_int_equal(guest_write(&guest, LINEAR, &byte, 1, GUEST_WRITE, &fault), GUEST_OUTSIDE);
    walk_entry(WALK_READ_ONLY, 0, walk_entry_at(WALK_READ_ONLY, 0) | 0x60);
    assert_int_equal(guest_write(&guest, LINEAR, &byte, 1, GUEST_WRITE, &fault), GUEST_REACHED);
}

static void expect_fetched(const uint8_t *wanted)
{
    uint8_t bytes[4];
    assert_int_equal(guest_fetch(&guest, bytes, 4, &fault), GUEST_REACHED);
    assert_memory_equal(bytes, wanted, 4);
}

static void fetches(void **state)
{
    (void)state;
    fill(walk_page[5], PAGE_SIZE, 1);
    fill(walk_page[9], PAGE_SIZE, 2);
    *simulated_field(VMCS_GUEST_RIP) = LINEAR + 0x123;
    *simulated_field(VMCS_GUEST_CS_BASE) = 0;
    expect_fetched(walk_page[5] + 0x123);
    *simulated_field(VMCS_GUEST_CS_ACCESS_RIGHTS) =
        0xc09b; /* compatibility mode: the base counts */
    *simulated_field(VMCS_GUEST_CS_BASE) = LINEAR - 0x1000;
    *simulated_field(VMCS_GUEST_RIP) = 0x2123;
    expect_fetched(walk_page[9] + 0x123);
    *simulated_field(VMCS_GUEST_CS_BASE) = 0xfffff000; /* wraps at 4 GiB */
    *simulated_field(VMCS_GUEST_RIP) = LINEAR + 0x1123;
    expect_fetched(walk_page[5] + 0x123);
}

/* Linear addresses wrap at 4 GiB outside 64-bit mode, in the middle of an access too. */
static void wraps_at_4_gib(void **state)
{
    uint8_t bytes[8];
    (void)state;
    walk_mode_set(&(struct walk_mode){.cr0 = 1});
    assert_int_equal(guest_read(&guest, 0xfffffffc, bytes, 8, GUEST_READ, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, 0xfffffffc);
    walk_mode_set(&(struct walk_mode){.cr0 = CR0_PG | 1, .cr3 = 0x1000});
    walk_entry_32(1, 1023, 0x2007);
    walk_entry_32(2, 1023, 0x5007);
    walk_entry_32(1, 0, 0x3007);
    walk_entry_32(3, 0, 0x9007);
    fill(walk_page[5], PAGE_SIZE, 3);
    fill(walk_page[9], PAGE_SIZE, 4);
    assert_int_equal(guest_read(&guest, 0xfffffffc, bytes, 8, GUEST_READ, &fault), GUEST_REACHED);
    assert_memory_equal(bytes, walk_page[5] + PAGE_SIZE - 4, 4);
    assert_memory_equal(bytes + 4, walk_page[9], 4);
    walk_entry_32(3, 0, 0);
    assert_int_equal(guest_read(&guest, 0xfffffffc, bytes, 8, GUEST_READ, &fault),
                     GUEST_PAGE_FAULT);
    assert_int_equal(fault.address, 0);
}

#define walk_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        walk_test(across_two_pages), walk_test(a_second_page_that_faults),
        walk_test(what_ept_denies),  walk_test(tables_that_ept_protects),
        walk_test(fetches),          walk_test(wraps_at_4_gib),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
