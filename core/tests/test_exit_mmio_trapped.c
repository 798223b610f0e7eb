/* SPDX-License-Identifier: MIT */
/* Devices by EPT misconfiguration: the exit tells an address, and nothing of the access. */
#include "mmio_fixture.h"

#include "../vmx/dirty_log.h"
#include "../vmx/ept_entry.h"
#include "../vmx/event.h"
#include "../vmx/walk.h"

#include <string.h>

#define TRAPPED 0x110000ull
#define TOUCHED (MMIO_DATA + 0x100)

static struct mmio with_trap;

/* The fixture's devices, and the first one's registers once more in a page that traps. */
static void trap(void)
{
    with_trap = *guest.mmio;
    assert_true(mmio_add_trapped(&with_trap, &mmio_ept, TRAPPED, PAGE_SIZE, mmio_fixture_handler,
                                 mmio_device));
    guest.mmio = &with_trap;
    /* what the VMCS has is of another exit */
    exit_field(VMCS_GUEST_LINEAR_ADDRESS, MMIO_DEVICE + 0x7f8);
}

static enum exit_outcome take(const char *bytes, size_t count, uint64_t physical)
{
    mmio_code_at(MMIO_CODE, bytes, count);
    exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, physical);
    return exit_take(EXIT_REASON_EPT_MISCONFIGURATION, 0x55); /* undefined */
}
#define TAKE(bytes, physical) take(bytes, sizeof(bytes) - 1, physical)

static void expect_access(unsigned index, uint64_t offset, uint64_t value, bool write)
{
    assert_in_range(index, 0, mmio_log_count - 1);
    assert_int_equal(mmio_log[index].offset, offset);
    assert_int_equal(mmio_log[index].value, value);
    assert_int_equal(mmio_log[index].write, write);
}

static void reads_and_writes(void **state)
{
    (void)state;
    trap();
    mmio_device[0x10] = 0x5a;
    guest.rdi = TRAPPED + 0x10;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED + 0x10), EXIT_RESUME); /* MOV EAX, [RDI] */
    expect_access(0, 0x10, 0x5a, false);
    assert_int_equal(guest.rax, 0x5a);
    expect_field(VMCS_GUEST_RIP, MMIO_CODE + 2);
    guest.rax = 0x77;
    assert_int_equal(TAKE("\x89\x07", TRAPPED + 0x10), EXIT_RESUME); /* MOV [RDI], EAX */
    expect_access(1, 0x10, 0x77, true);
    assert_int_equal(TAKE("\x01\x07", TRAPPED + 0x10), EXIT_RESUME); /* ADD [RDI], EAX */
    expect_access(2, 0x10, 0x77, false);
    expect_access(3, 0x10, 0xee, true);
    assert_int_equal(TAKE("\xab", TRAPPED + 0x10), EXIT_RESUME); /* STOSD */
    expect_access(4, 0x10, 0x77, true);
    assert_int_equal(guest.rdi, TRAPPED + 0x14);
    assert_int_equal(mmio_log_count, 5);
}

/* Which operand is the device's is what the guest's page tables say, of MOVS too. */
static void moves_of_memory(void **state)
{
    (void)state;
    trap();
    memset(mmio_memory + TOUCHED, 0xc3, 4);
    guest.rsi = TOUCHED;
    guest.rdi = TRAPPED + 8;
    assert_int_equal(TAKE("\xa5", TRAPPED + 8), EXIT_RESUME); /* MOVSD */
    expect_access(0, 8, 0xc3c3c3c3, true);
    memset(mmio_memory + TOUCHED, 0, 4);
    guest.rsi = TRAPPED + 8;
    guest.rdi = TOUCHED;
    assert_int_equal(TAKE("\xa5", TRAPPED + 8), EXIT_RESUME);
    expect_access(1, 8, 0xc3c3c3c3, false);
    assert_int_equal(mmio_memory[TOUCHED + 3], 0xc3);
    guest.rsi = TRAPPED + 8; /* both: it reads first */
    guest.rdi = TRAPPED + 16;
    assert_int_equal(TAKE("\xa5", TRAPPED + 8), EXIT_RESUME);
    expect_access(2, 8, 0xc3c3c3c3, false);
    expect_access(3, 16, 0xc3c3c3c3, true);
    guest.rsi = MMIO_DEVICE + 16; /* the other one is a device that exits by violations */
    guest.rdi = TRAPPED + 24;
    assert_int_equal(TAKE("\xa5", TRAPPED + 24), EXIT_RESUME);
    expect_access(5, 24, 0xc3c3c3c3, true);
    *mmio_entry(MMIO_DATA) = TRAPPED | 7; /* nor need linear and physical be the same */
    guest.rdi = MMIO_DATA + 8;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED + 8), EXIT_RESUME);
    expect_access(6, 8, 0xc3c3c3c3, false);
}

static void refused_by_name(void **state)
{
    static const struct {
        const char *bytes;
        size_t count;
        uint64_t rdi, physical;
        const char *text;
    } cases[] = {
        {"\x8b\x07", 2, TOUCHED, TRAPPED, "the instruction is another one than exited"},
        {"\x8b\x07", 2, TRAPPED + 8, TRAPPED, "the instruction is another one than exited"},
        {"\x8b\x07", 2, MMIO_DEVICE, TRAPPED, "the instruction is another one than exited"},
        {"\x8b\x07", 2, MMIO_DEVICE + 0x7f8, TRAPPED + 0xffe,
         "the instruction is another one than exited"}, /* as the stale field has it */
        {"\x8b\x07", 2, 1ull << 63, TRAPPED, "the instruction is another one than exited"},
        {"\x8b\x07", 2, TRAPPED + 0xffe, TRAPPED + 0xffe, "access across the end of a page"},
        {"\xff\xe7", 2, TRAPPED, TRAPPED, "no emulation of this instruction"}, /* JMP RDI */
    };
    (void)state;
    trap();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        guest.rdi = cases[i].rdi;
        assert_int_equal(take(cases[i].bytes, cases[i].count, cases[i].physical), EXIT_STOP);
        expect_stop(STOP_MMIO, cases[i].physical, cases[i].text);
    }
    exit_field(VMCS_GUEST_RIP, TRAPPED); /* a fetch */
    exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, TRAPPED);
    assert_int_equal(exit_take(EXIT_REASON_EPT_MISCONFIGURATION, 0), EXIT_STOP);
    expect_stop(STOP_MMIO, TRAPPED, "its instruction is outside of guest memory");
    exit_field(VMCS_IDT_VECTORING_INFO, EVENT_VALID | EVENT_HARDWARE_EXCEPTION | VECTOR_UD);
    guest.rdi = TRAPPED;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED), EXIT_STOP);
    expect_stop(STOP_MMIO, TRAPPED, "by the delivery of an event");
    exit_field(VMCS_IDT_VECTORING_INFO, 0);
    /* a page table of the guest's in the device */
    uint64_t *directory = (uint64_t *)(mmio_memory + MMIO_TABLES + 0x2000);
    directory[1] = TRAPPED | 7;
    guest.rdi = 0x200000;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED), EXIT_STOP);
    expect_stop(STOP_MMIO, TRAPPED, "by page tables");
    assert_int_equal(mmio_log_count, 0);
}

/* A device's, but its entry is wrong otherwise; or one that traps, and no device's. */
static void other_misconfigurations(void **state)
{
    int level;
    (void)state;
    trap();
    guest.rdi = TRAPPED;
    uint64_t *entry = ept_find(&mmio_ept, TRAPPED, &level);
    assert_int_equal(*entry, EPT_ENTRY_TRAP);
    *entry = 6;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED), EXIT_STOP);
    expect_stop(STOP_EPT_ENTRY, 6, "PTE: writable and not readable");
    *entry = EPT_ENTRY_TRAP;
    guest.mmio = NULL;
    assert_int_equal(TAKE("\x8b\x07", TRAPPED), EXIT_STOP);
    expect_stop(STOP_EPT_ENTRY, EPT_ENTRY_TRAP, "PTE: writable and not readable");
}

/* The core never takes such an entry for an address, whatever it wants there. */
static void is_not_memory(void **state)
{
    struct ept_window window = {0};
    struct guest_fault fault;
    struct dirty_log log;
    uint64_t host = 1, entry;
    uint8_t bitmap, byte = 0;
    int level;
    (void)state;
    trap();
    assert_false(ept_translate(&mmio_ept, TRAPPED, &host));
    for (unsigned access = EPT_NONE; access <= EPT_ALL; access++) {
        assert_false(ept_reach(&mmio_ept, TRAPPED + 8, (enum ept_access)access, &host));
        assert_false(ept_reach_page(&mmio_ept, TRAPPED, (enum ept_access)access, &window));
    }
    assert_int_equal(window.bytes, 0);
    assert_int_equal(host, 1);
    for (unsigned access = 0; access < 2; access++)
        assert_int_equal(
            guest_reach(&(struct guest_paging){.ept = &mmio_ept, .linear_mask = UINT64_MAX},
                        TRAPPED, 4, access ? GUEST_WRITE : GUEST_READ, &(struct guest_span){0},
                        &fault),
            GUEST_OUTSIDE);
    assert_int_equal(guest_write(&guest, TRAPPED, &byte, 1, GUEST_WRITE, &fault), GUEST_OUTSIDE);
    assert_int_equal(fault.address, TRAPPED);
    /* nor do changes make memory of it */
    assert_false(ept_map(&mmio_ept, TRAPPED, 0, PAGE_SIZE, EPT_ALL));
    assert_true(ept_protect(&mmio_ept, TRAPPED, PAGE_SIZE, EPT_ALL));
    assert_true(ept_protect(&mmio_ept, TRAPPED, PAGE_SIZE, EPT_READ));
    assert_true(ept_split(&mmio_ept, TRAPPED, PAGE_SIZE));
    assert_true(ept_take_flags(&mmio_ept, EPT_DIRTY, TRAPPED, PAGE_SIZE, &bitmap));
    assert_int_equal(bitmap, 0);
    assert_false(dirty_log_create(&log, &mmio_ept, TRAPPED, PAGE_SIZE));
    entry = *ept_find(&mmio_ept, TRAPPED, &level);
    assert_int_equal(entry, EPT_ENTRY_TRAP);
    assert_true(ept_unmap(&mmio_ept, TRAPPED, PAGE_SIZE));
    assert_false(ept_traps(&mmio_ept, TRAPPED));
    assert_true(ept_map(&mmio_ept, TRAPPED, 0x7000, PAGE_SIZE, EPT_ALL));
}

static void where_a_page_can_trap(void **state)
{
    static struct mmio full;
    struct demand demand;
    (void)state;
    assert_false(ept_trap(&mmio_ept, 0, PAGE_SIZE)); /* mapped */
    assert_false(ept_trap(&mmio_ept, TRAPPED, 0));
    assert_false(ept_trap(&mmio_ept, TRAPPED + 8, PAGE_SIZE));
    assert_false(ept_trap(&mmio_ept, 1ull << 48, PAGE_SIZE));
    assert_false(ept_traps(&mmio_ept, 1ull << 48) || ept_traps(&mmio_ept, 0));
    assert_true(demand_create(&demand, &mmio_ept, 1));
    assert_true(demand_add(&demand, TRAPPED, PAGE_SIZE));
    assert_false(ept_trap(&mmio_ept, TRAPPED, PAGE_SIZE));
    demand_destroy(&demand);
    assert_true(ept_trap(&mmio_ept, TRAPPED, PAGE_SIZE));
    assert_false(ept_trap(&mmio_ept, TRAPPED, PAGE_SIZE)); /* already */
    assert_true(ept_traps(&mmio_ept, TRAPPED + 0xfff));
    /* a range that cannot be does not trap, one that does not trap is none */
    assert_false(
        mmio_add_trapped(&full, &mmio_ept, TRAPPED, PAGE_SIZE, mmio_fixture_handler, NULL));
    assert_int_equal(full.count, 0);
    assert_false(mmio_add_trapped(&full, &mmio_ept, 0x200001, 8, mmio_fixture_handler, NULL));
    assert_false(ept_traps(&mmio_ept, 0x200000));
    /* no memory for the second's page table */
    simulated_pages_fail(2);
    assert_false(ept_trap(&mmio_ept, 0x400000 - PAGE_SIZE, 2 * PAGE_SIZE));
    assert_false(ept_traps(&mmio_ept, 0x400000 - PAGE_SIZE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mmio_test(reads_and_writes), mmio_test(moves_of_memory),
        mmio_test(refused_by_name),  mmio_test(other_misconfigurations),
        mmio_test(is_not_memory),    mmio_test(where_a_page_can_trap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
