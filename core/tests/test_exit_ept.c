/* SPDX-License-Identifier: MIT */
/* EPT violations of memory on demand and of nothing, and EPT misconfigurations. */
#include "mmio_fixture.h"

#include "../vmx/dirty_log.h"
#include "../vmx/ept_entry.h"
#include "../vmx/event.h"
#include "../vmx/walk.h"

#include <string.h>

#define DEMAND 0x180000ull
#define FINAL  (VIOLATION_LINEAR | VIOLATION_FINAL)

static struct demand demand;

#ifdef PROBE_COUNTING
extern struct record simulated_record;
#endif

static void add_demand(size_t pool)
{
    assert_true(demand_create(&demand, &mmio_ept, pool));
    assert_true(demand_add(&demand, DEMAND, 4 * PAGE_SIZE));
}

static enum exit_outcome violate(uint64_t physical, uint64_t qualification)
{
    exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, physical);
    exit_field(VMCS_GUEST_LINEAR_ADDRESS, physical);
    return exit_take(EXIT_REASON_EPT_VIOLATION, qualification);
}

static bool is_mapped(uint64_t physical)
{
    uint64_t host;
    return ept_translate(&mmio_ept, physical, &host);
}

static void first_touch(void **state)
{
    (void)state;
    add_demand(2);
    for (unsigned i = 0; i < 4; i++) {
        uint64_t physical = DEMAND + i * PAGE_SIZE + 0x234;
        assert_int_equal(violate(physical, 1u << i % 3 | FINAL), EXIT_RESUME);
        expect_unchanged(); /* the guest tries again */
        assert_true(is_mapped(physical));
        assert_int_equal(cost.vmreads, 3);
        assert_int_equal(cost.vmwrites, 0);
        assert_int_equal(cost.invalidations, 0);
#ifdef PROBE_COUNTING
        assert_int_equal(simulated_record.detail, physical);
#endif
    }
    assert_int_equal(violate(DEMAND, VIOLATION_READ | FINAL),
                     EXIT_RESUME); /* another vCPU's work */
    expect_unchanged();
}

/* Of a page that is write-protected for it; anything but a write stops the guest as ever. */
static void logged_writes(void **state)
{
    struct dirty_log log;
    uint64_t host;
    (void)state;
    assert_true(dirty_log_create(&log, &mmio_ept, MMIO_TABLES, 2 * PAGE_SIZE));
    dirty_log_start(&log);
    assert_false(ept_reach(&mmio_ept, MMIO_TABLES, EPT_WRITE, &host));
    assert_int_equal(violate(MMIO_TABLES + 8, VIOLATION_WRITE | VIOLATION_READ | 5u << 3 | FINAL),
                     EXIT_RESUME);
    expect_unchanged(); /* the guest tries again */
    assert_int_equal(cost.vmreads, 3);
    assert_true(dirty_log_has(&log, MMIO_TABLES) && !dirty_log_has(&log, MMIO_TABLES + PAGE_SIZE));
    assert_true(ept_reach(&mmio_ept, MMIO_TABLES, EPT_WRITE, &host));
    exit_field(VMCS_IDT_VECTORING_INFO, EVENT_VALID | EVENT_HARDWARE_EXCEPTION | VECTOR_UD);
    assert_int_equal(violate(MMIO_TABLES + PAGE_SIZE, VIOLATION_WRITE | 5u << 3 | FINAL),
                     EXIT_EVENTS); /* and what was being delivered goes on */
    exit_field(VMCS_IDT_VECTORING_INFO, 0);
    assert_int_equal(violate(MMIO_TABLES, VIOLATION_FETCH | 3u << 3 | FINAL), EXIT_STOP);
    dirty_log_destroy(&log);
}

/* What the core writes on the guest's behalf is noted like what the guest writes. */
static void writes_for_the_guest_are_logged(void **state)
{
    struct dirty_log log;
    struct guest_fault fault;
    (void)state;
    assert_true(dirty_log_create(&log, &mmio_ept, 0, MMIO_MEMORY));
    dirty_log_start(&log);
    assert_int_equal(guest_write(&guest, MMIO_DATA + 8, "ab", 2, GUEST_WRITE, &fault),
                     GUEST_REACHED);
    assert_true(dirty_log_has(&log, MMIO_DATA) && !dirty_log_has(&log, MMIO_CODE));
    dirty_log_destroy(&log);
}

/* Page tables of the guest in memory on demand: zeroed, so nothing is mapped by them. */
static void first_touch_by_page_tables(void **state)
{
    (void)state;
    add_demand(1);
    assert_int_equal(violate(DEMAND, VIOLATION_READ | VIOLATION_WRITE | VIOLATION_LINEAR),
                     EXIT_RESUME);
    expect_unchanged();
    assert_true(is_mapped(DEMAND));
}

static void nmi_blocking_comes_back(void **state)
{
    const uint64_t unblocked = VIOLATION_READ | FINAL | EVENT_UNBLOCKED_NMIS;
    (void)state;
    add_demand(4);
    assert_int_equal(violate(DEMAND, unblocked), EXIT_RESUME);
    expect_unchanged(); /* without virtual NMIs the bit means nothing */
    guest.controls[CONTROL_PIN_BASED] = PIN_BASED_VIRTUAL_NMIS;
    assert_int_equal(violate(DEMAND + PAGE_SIZE, unblocked), EXIT_RESUME);
    expect_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    expect_unchanged();
    /* nor does it where an event was being delivered */
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, 0);
    exit_field(VMCS_IDT_VECTORING_INFO, EVENT_VALID | EVENT_HARDWARE_EXCEPTION | VECTOR_GP);
    assert_int_equal(violate(DEMAND + 2 * PAGE_SIZE, unblocked), EXIT_EVENTS);
    expect_unchanged();
}

static void delivery_goes_on(void **state)
{
    const uint32_t info =
        EVENT_VALID | EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | VECTOR_PF;
    (void)state;
    add_demand(1);
    exit_field(VMCS_IDT_VECTORING_INFO, info);
    exit_field(VMCS_IDT_VECTORING_ERROR_CODE, 6);
    assert_int_equal(violate(DEMAND, VIOLATION_WRITE | FINAL), EXIT_EVENTS);
    expect_unchanged();
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), info);
    assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE), 6);
}

static void no_page_left(void **state)
{
    (void)state;
    add_demand(1);
    assert_int_equal(violate(DEMAND, VIOLATION_READ | FINAL), EXIT_RESUME);
    simulated_pages_fail(1);
    assert_int_equal(violate(DEMAND + PAGE_SIZE, VIOLATION_READ | FINAL), EXIT_STOP);
    expect_stop(STOP_MEMORY, DEMAND + PAGE_SIZE, "no page left for memory on demand");
    expect_unchanged();
}

static void stopped_by_name(void **state)
{
    static const struct {
        uint64_t qualification;
        const char *text;
    } kinds[] = {
        {0x181, "read of an address that is not mapped"},
        {0x182, "write of an address that is not mapped"},
        {0x183, "read and write of an address that is not mapped"},
        {0x184, "instruction fetch of an address that is not mapped"},
        {0x180 | 1 << 5 | 1, "read that the memory does not allow"},
        {0x180 | 5 << 3 | 2, "write that the memory does not allow"},
        {0x180 | 5 << 3 | 3, "read and write that the memory does not allow"},
        {0x180 | 3 << 3 | 4, "instruction fetch that the memory does not allow"},
        {0x081, "read of an address that is not mapped, by page tables"},
        {0x083, "read and write of an address that is not mapped, by page tables"},
        {0x080 | 1 << 3 | 2, "write that the memory does not allow, by page tables"},
        {0x001, "read of an address that is not mapped"}, /* no linear address */
    };
    (void)state;
    for (int with_demand = 0; with_demand < 2; with_demand++) {
        if (with_demand)
            add_demand(1);
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
            assert_int_equal(violate(MMIO_NOBODY + 8, kinds[i].qualification), EXIT_STOP);
            expect_stop(STOP_MEMORY, MMIO_NOBODY + 8, kinds[i].text);
            expect_unchanged();
        }
    }
    guest.mmio = NULL;
    assert_int_equal(violate(MMIO_DEVICE, 0x181), EXIT_STOP);
    expect_stop(STOP_MEMORY, MMIO_DEVICE, "read of an address that is not mapped");
}

/* A page on demand that was narrowed since. */
static void demand_that_refuses(void **state)
{
    (void)state;
    add_demand(1);
    assert_int_equal(violate(DEMAND, VIOLATION_READ | FINAL), EXIT_RESUME);
    assert_true(ept_protect(&mmio_ept, DEMAND, PAGE_SIZE, EPT_READ));
    assert_int_equal(violate(DEMAND, VIOLATION_WRITE | 1 << 3 | FINAL), EXIT_STOP);
    expect_stop(STOP_MEMORY, DEMAND, "write that the memory does not allow");
}

/* What the core itself accesses for the guest is supplied as well. */
static void walks_supply_too(void **state)
{
    struct guest_fault fault;
    uint32_t value = 0x12345678, read = 0;
    uint64_t across = DEMAND + PAGE_SIZE - 2;
    (void)state;
    add_demand(4);
    assert_int_equal(guest_write(&guest, across, &value, 4, GUEST_WRITE, &fault), GUEST_REACHED);
    assert_int_equal(guest_read(&guest, across, &read, 4, GUEST_READ, &fault), GUEST_REACHED);
    assert_int_equal(read, value);
    *mmio_entry(0) = (DEMAND + 2 * PAGE_SIZE) | 7;
    exit_field(VMCS_GUEST_CR3, DEMAND + 3 * PAGE_SIZE); /* fresh tables: nothing present */
    assert_int_equal(guest_read(&guest, 0, &read, 4, GUEST_READ, &fault), GUEST_PAGE_FAULT);
    assert_true(is_mapped(DEMAND + 3 * PAGE_SIZE));
    assert_int_equal(guest_read(&guest, MMIO_NOBODY, &read, 4, GUEST_READ, &fault),
                     GUEST_PAGE_FAULT);
}

/* With flags for EPT, the CPU writes to page tables also when it reads (29.3.5). */
static void page_tables_must_be_writable(void **state)
{
    struct guest_fault fault;
    uint32_t read;
    (void)state;
    assert_true(ept_protect(&mmio_ept, MMIO_TABLES, PAGE_SIZE, EPT_READ));
    assert_int_equal(guest_read(&guest, 0, &read, 4, GUEST_READ, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, MMIO_TABLES);
    assert_false(fault.translated);
    assert_true(ept_protect(&mmio_ept, MMIO_TABLES, PAGE_SIZE, EPT_ALL));
    assert_true(ept_protect(&mmio_ept, 0, PAGE_SIZE, EPT_READ));
    assert_int_equal(guest_read(&guest, 0, &read, 4, GUEST_READ, &fault), GUEST_REACHED);
    assert_int_equal(guest_write(&guest, 4, &read, 4, GUEST_WRITE, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, 4);
    assert_true(fault.translated);
}

static void misconfigurations(void **state)
{
    static const struct {
        int level;
        uint64_t entry; /* instead of what is there, or with it ... */
        uint64_t mask;  /* ... where these bits stay */
        const char *text;
    } wrong[] = {
        {0, 2, ~7ull, "PTE: writable and not readable"},
        {1, 6, ~7ull, "PDE: writable and not readable"},
        {2, 4, ~7ull, "PDPTE: executable only, which this CPU lacks"},
        {0, 1ull << 48, ~0ull, "PTE: address wider than this CPU's"},
        {3, 1ull << 51, ~0ull, "PML4E: address wider than this CPU's"},
        {3, 0x80, ~0ull, "PML4E: a large page of a size that this CPU lacks"},
        {2, 0x80, ~0ull, "PDPTE: a large page of a size that this CPU lacks"},
        {1, 0x80 | 0x1000, ~0x1ff000ull, "PDE: reserved bits set"},
        {2, 0x08, ~0ull, "PDPTE: reserved bits set"},
        {3, 0x40, ~0ull, "PML4E: reserved bits set"},
        {0, 2 << 3, ~0x38ull, "PTE: memory type reserved"},
        {0, 7 << 3, ~0x38ull, "PTE: memory type reserved"},
        {1, 0x80 | 3 << 3, ~0x1ff038ull, "PDE: memory type reserved"},
        {0, 1 << 3, ~0x38ull, "PTE: nothing wrong with it by now"},
        {1, 0, 0, "PDE: nothing wrong with it by now"},
    };
    (void)state;
    mmio_ept.execute_only = false;
    mmio_ept.largest_level = 1;
    assert_int_equal(mmio_ept.physical_bits, 48);
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        uint64_t *entry = mmio_ept.root;
        for (int level = 3; level > wrong[i].level; level--)
            entry = ept_table_of(*entry);
        uint64_t before = *entry, planted = (before & wrong[i].mask) | wrong[i].entry;
        *entry = planted;
        exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, 0x123);
        simulated_log_clear();
        assert_int_equal(exit_take(EXIT_REASON_EPT_MISCONFIGURATION, 0x55), EXIT_STOP);
        expect_stop(STOP_EPT_ENTRY, planted, wrong[i].text);
        expect_unchanged();
        assert_true(simulated_log_has("guest-physical 0x123, level "));
        *entry = before;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mmio_test(first_touch),
        mmio_test(logged_writes),
        mmio_test(writes_for_the_guest_are_logged),
        mmio_test(first_touch_by_page_tables),
        mmio_test(nmi_blocking_comes_back),
        mmio_test(delivery_goes_on),
        mmio_test(no_page_left),
        mmio_test(stopped_by_name),
        mmio_test(demand_that_refuses),
        mmio_test(walks_supply_too),
        mmio_test(page_tables_must_be_writable),
        mmio_test(misconfigurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
