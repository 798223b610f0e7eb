/* SPDX-License-Identifier: MIT */
/* Accesses to devices that fault, and those that are not emulated: none crashes, each has a name.
 */
#include "mmio_fixture.h"

#include "../vmx/event.h"
#include "../vmx/walk.h"

#include <string.h>

#define READ  VIOLATION_READ
#define WRITE VIOLATION_WRITE

static void instruction_across_pages(void **state)
{
    const uint64_t at = MMIO_CODE + PAGE_SIZE - 1;
    (void)state;
    guest.rdi = MMIO_DEVICE;
    /* the last byte of a page is the whole instruction: the next page is not even looked at */
    *mmio_entry(at + 1) = 0;
    mmio_code_at(at, "\xaa", 1);
    assert_int_equal(mmio_take_again(MMIO_DEVICE, WRITE), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), at + 1);
    guest.rdi = MMIO_DEVICE;
    mmio_code_at(at, "\x89\x07", 2);
    assert_int_equal(mmio_take_again(MMIO_DEVICE, WRITE), EXIT_RESUME);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0e);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, PAGE_FAULT_FETCH);
    expect_unchanged();
    assert_int_equal(simulated_cpu.cr2, at + 1);
    *mmio_entry(at + 1) = (at + 1) | 7;
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    assert_int_equal(mmio_take_again(MMIO_DEVICE, WRITE), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), at + 2);
    *mmio_entry(at + 1) = MMIO_NOBODY | 7;
    exit_field(VMCS_GUEST_RIP, at);
    assert_int_equal(mmio_take_again(MMIO_DEVICE, WRITE), EXIT_STOP);
    expect_stop(STOP_MMIO, MMIO_DEVICE, "its instruction is outside of guest memory");
}

/* What may fault of MOVS's memory does before the device has been asked. */
static void moves_that_fault(void **state)
{
    (void)state;
    *mmio_entry(MMIO_DATA) &= ~2ull;
    exit_field(VMCS_GUEST_CR0, *simulated_field(VMCS_GUEST_CR0) | CR0_WP);
    guest.rsi = MMIO_DEVICE;
    guest.rdi = MMIO_DATA + 4;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE, READ), EXIT_RESUME);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0e);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE);
    expect_unchanged();
    assert_int_equal(simulated_cpu.cr2, MMIO_DATA + 4);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rdi = 0x8000000000000000;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE, READ), EXIT_RESUME);
    expect_gp();
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rdi = MMIO_DEVICE;
    guest.rsi = 0x8000000000000000;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE, WRITE), EXIT_RESUME);
    expect_gp();
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rsi = MMIO_DEVICE;
    guest.rdi = MMIO_NOBODY;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE, READ), EXIT_STOP);
    expect_stop(STOP_MMIO, MMIO_DEVICE, "MOVS with memory that EPT does not map");
    guest.rdi = MMIO_SECOND + PAGE_SIZE - 1;
    assert_int_equal(MMIO_TAKE("\x66\xa5", MMIO_DEVICE, READ), EXIT_STOP);
    expect_stop(STOP_MMIO, MMIO_DEVICE, "MOVS with memory that EPT does not map");
    /* #AC */
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    exit_field(VMCS_GUEST_CR0, *simulated_field(VMCS_GUEST_CR0) | CR0_AM);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_AC);
    guest.rdi = MMIO_DATA + PAGE_SIZE + 1;
    assert_int_equal(MMIO_TAKE("\x66\xa5", MMIO_DEVICE, READ), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b11);
    assert_int_equal(mmio_log_count, 0);
}

static void not_emulated(void **state)
{
    static const struct {
        char bytes[8];
        uint64_t linear;
        unsigned access;
        const char *text;
    } cases[] = {
        {"\x0f\xae\x07\x90", MMIO_DEVICE, WRITE, "no emulation of this instruction"}, /* fxsave */
        {"\x89\x07\x90\x90", MMIO_DEVICE + 4, WRITE, "the instruction is another one than exited"},
        {"\x89\x07\x90\x90", MMIO_DEVICE, READ, "the instruction is another one than exited"},
        {"\x8b\x07\x90\x90", MMIO_DEVICE, WRITE, "the instruction is another one than exited"},
        {"\xa4\x90\x90\x90", MMIO_DEVICE, READ, "the instruction is another one than exited"},
        {"\x89\x87\xfe\x0f\x00\x00", MMIO_DEVICE + 0xffe, WRITE, "access across the end of a page"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        guest.rdi = MMIO_DEVICE;
        assert_int_equal(mmio_take(cases[i].bytes, 6, cases[i].linear, cases[i].access), EXIT_STOP);
        expect_stop(STOP_MMIO, cases[i].linear, cases[i].text);
        expect_unchanged();
    }
    assert_true(simulated_log_has("no emulation of the instruction 0f ae 07 90"));
    assert_int_equal(mmio_log_count, 0);
}

static void not_by_an_instruction(void **state)
{
    static const struct {
        uint64_t qualification, vectoring;
        const char *text;
    } cases[] = {
        {0x184, 0, "instruction fetch"},
        {0x083, 0, "by page tables"},
        {0x001, 0, "by page tables"},
        {0x182, EVENT_VALID | EVENT_EXTERNAL_INTERRUPT | 0x33, "by the delivery of an event"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        exit_field(VMCS_GUEST_PHYSICAL_ADDRESS, MMIO_DEVICE);
        exit_field(VMCS_IDT_VECTORING_INFO, cases[i].vectoring);
        assert_int_equal(exit_take(EXIT_REASON_EPT_VIOLATION, cases[i].qualification), EXIT_STOP);
        expect_stop(STOP_MMIO, MMIO_DEVICE, cases[i].text);
        expect_unchanged();
    }
}

/* The device says no: to a read, and to the write behind one. */
static void refused_by_the_device(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    mmio_answer = MMIO_REFUSED;
    for (int answers = 0; answers < 2; answers++) {
        mmio_answers_left = answers;
        assert_int_equal(MMIO_TAKE("\x01\x07", MMIO_DEVICE, READ | WRITE), EXIT_STOP);
        expect_stop(STOP_MMIO, MMIO_DEVICE, "the device has no such register");
        expect_unchanged();
    }
}

/* The same of instructions that do one access, or that have a device on either side. */
static void each_access_refused(void **state)
{
    static const struct {
        const char *bytes;
        uint64_t rsi, rdi;
        unsigned access;
        int accesses; /* until it is done; each of them is refused in turn */
    } cases[] = {
        {"\x89\x07", MMIO_DATA, MMIO_DEVICE, WRITE, 1},
        {"\x8b\x07", MMIO_DATA, MMIO_DEVICE, READ, 1},
        {"\x87\x07", MMIO_DATA, MMIO_DEVICE, READ | WRITE, 2},
        {"\xaa", MMIO_DATA, MMIO_DEVICE, WRITE, 1},
        {"\xac", MMIO_DEVICE, MMIO_DATA, READ, 1},
        {"\xa4", MMIO_DATA, MMIO_DEVICE, WRITE, 1},
        {"\xa4", MMIO_DEVICE, MMIO_DATA, READ, 1},
        {"\xa4", MMIO_SECOND, MMIO_DEVICE, WRITE, 2},
    };
    (void)state;
    mmio_answer = MMIO_REFUSED;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int left = 0; left <= cases[i].accesses; left++) {
            guest.rsi = cases[i].rsi;
            guest.rdi = cases[i].rdi;
            mmio_answers_left = left;
            enum exit_outcome outcome =
                mmio_take(cases[i].bytes, strlen(cases[i].bytes), MMIO_DEVICE, cases[i].access);
            if (left == cases[i].accesses) {
                assert_int_equal(outcome, EXIT_RESUME);
                continue;
            }
            assert_int_equal(outcome, EXIT_STOP);
            assert_int_equal(guest.stop.cause, STOP_MMIO);
            assert_string_equal(guest.stop.text, "the device has no such register");
            expect_unchanged();
            assert_int_equal(guest.rsi, cases[i].rsi);
            assert_int_equal(guest.rdi, cases[i].rdi);
        }
}

static void locked(void **state)
{
    static const struct {
        const char *bytes;
        unsigned access;
        bool valid;
    } cases[] = {{"\xf0\x01\x07", READ | WRITE, true}, {"\xf0\x87\x07", READ | WRITE, true},
                 {"\xf0\x03\x07", READ, false},        {"\xf0\x89\x07", WRITE, false},
                 {"\xf0\x39\x07", READ, false},        {"\xf0\x85\x07", READ, false},
                 {"\xf0\xaa\x90", WRITE, false}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        guest.rdi = MMIO_DEVICE;
        exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
        assert_int_equal(mmio_take(cases[i].bytes, 3, MMIO_DEVICE, cases[i].access), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_GUEST_RIP), MMIO_CODE + (cases[i].valid ? 3 : 0));
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO),
                         cases[i].valid ? 0 : 0x80000306);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mmio_test(instruction_across_pages),
        mmio_test(moves_that_fault),
        mmio_test(not_emulated),
        mmio_test(not_by_an_instruction),
        mmio_test(refused_by_the_device),
        mmio_test(each_access_refused),
        mmio_test(locked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
