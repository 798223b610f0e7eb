/* SPDX-License-Identifier: MIT */
/* Accesses to devices: who is asked for what, and what is left behind. */
#include "mmio_fixture.h"

#include "../exits/apic_mmio.h"

#include <string.h>

#define READ  VIOLATION_READ
#define WRITE VIOLATION_WRITE

static void expect_access(unsigned number, bool write, uint64_t offset, unsigned bytes,
                          uint64_t value)
{
    assert_in_range(number, 0, mmio_log_count - 1);
    assert_int_equal(mmio_log[number].write, write);
    assert_int_equal(mmio_log[number].offset, offset);
    assert_int_equal(mmio_log[number].bytes, bytes);
    assert_int_equal(mmio_log[number].value, value);
}

static void expect_done(uint64_t length)
{
    expect_field(VMCS_GUEST_RIP, MMIO_CODE + length);
    expect_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
    expect_unchanged();
}

/* mov [rdi+0x30], eax; mov eax, [rdi+0x30]; as a driver of a local APIC does. */
static void registers_of_a_device(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    guest.rax = 0xfedcba9812345678;
    assert_int_equal(MMIO_TAKE("\x89\x47\x30", MMIO_DEVICE + 0x30, WRITE), EXIT_RESUME);
    expect_done(3);
    expect_access(0, true, 0x30, 4, 0x12345678);
    assert_int_equal(MMIO_TAKE("\x8b\x4f\x30", MMIO_DEVICE + 0x30, READ), EXIT_RESUME);
    expected.rcx = 0x12345678; /* the upper half is clear */
    expect_done(3);
    expect_access(1, false, 0x30, 4, 0x12345678);
#ifndef PROBE_COUNTING
    assert_int_equal(cost.vmwrites, 1); /* RF stood clear, from the first */
#endif
}

/* The device is asked for the bytes that the instruction names, in that order. */
static void reads_before_writes(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE + 8;
    mmio_device[8] = 0xf0;
    assert_int_equal(MMIO_TAKE("\x80\x0f\x0f", MMIO_DEVICE + 8, READ | WRITE), EXIT_RESUME);
    expect_access(0, false, 8, 1, 0xf0);
    expect_access(1, true, 8, 1, 0xff);
    assert_int_equal(mmio_log_count, 2);
    expect_field(VMCS_GUEST_RIP, MMIO_CODE + 3);
    expect_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_SF | RFLAGS_PF);
    expect_unchanged();
    assert_int_equal(MMIO_TAKE("\x80\x3f\xff", MMIO_DEVICE + 8, READ), EXIT_RESUME); /* cmp */
    assert_int_equal(mmio_log_count, 3);
}

static void events_are_looked_for(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    mmio_answer = MMIO_EVENTS;
    assert_int_equal(MMIO_TAKE("\x89\x07", MMIO_DEVICE, WRITE), EXIT_EVENTS);
    expect_done(2);
}

static void shadows_end_and_steps_trap(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_STI);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF | RFLAGS_RF);
    assert_int_equal(MMIO_TAKE("\x89\x07", MMIO_DEVICE, WRITE), EXIT_RESUME);
    expect_field(VMCS_GUEST_INTERRUPTIBILITY, 0);
    expect_field(VMCS_GUEST_RIP, MMIO_CODE + 2);
    expect_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_TF);
    expect_field(VMCS_GUEST_PENDING_DEBUG, 1 << 14);
    expect_unchanged();
    exit_field(VMCS_GUEST_PENDING_DEBUG, 0);
    exit_field(VMCS_GUEST_DEBUGCTL, 2); /* branches only */
    assert_int_equal(MMIO_TAKE("\x89\x07", MMIO_DEVICE, WRITE), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_GUEST_PENDING_DEBUG), 0);
}

/* One element an exit; RF stays until the last, as at any other interruption of a REP. */
static void repeated(void **state)
{
    (void)state;
    guest.rdi = MMIO_DEVICE;
    guest.rcx = 3;
    guest.rax = 0x1122334455667788;
    mmio_code_at(MMIO_CODE, "\xf3\xab", 2);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(mmio_take_again(MMIO_DEVICE + 4 * i, WRITE), EXIT_RESUME);
        expected.rdi += 4;
        expected.rcx--;
        expect_field(VMCS_GUEST_RIP, MMIO_CODE + (i == 2 ? 2 : 0));
        expect_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | (i == 2 ? 0 : RFLAGS_RF));
        expect_unchanged();
        expect_access(i, true, 4 * i, 4, 0x55667788);
    }
    /* another CPU put it there since: no element at all */
    guest.rcx = 0;
    guest.rdi = MMIO_DEVICE;
    exit_field(VMCS_GUEST_RIP, MMIO_CODE);
    assert_int_equal(mmio_take_again(MMIO_DEVICE, WRITE), EXIT_RESUME);
    expect_done(2);
    assert_int_equal(mmio_log_count, 3);
}

static void moves_between_devices(void **state)
{
    (void)state;
    guest.rsi = MMIO_DEVICE;
    guest.rdi = MMIO_SECOND + 0x10;
    mmio_device[0] = 0x99;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE, READ), EXIT_RESUME);
    assert_int_equal(mmio_device[PAGE_SIZE + 0x10], 0x99);
    guest.rsi = MMIO_DATA;
    guest.rdi = MMIO_DEVICE + 1;
    mmio_memory[MMIO_DATA] = 0x77;
    assert_int_equal(MMIO_TAKE("\xa4", MMIO_DEVICE + 1, WRITE), EXIT_RESUME);
    assert_int_equal(mmio_device[1], 0x77);
    guest.rsi = MMIO_DEVICE + 1;
    guest.rdi = MMIO_DATA + PAGE_SIZE - 1; /* across two pages */
    assert_int_equal(MMIO_TAKE("\x66\xa5", MMIO_DEVICE + 1, READ), EXIT_RESUME);
    assert_int_equal(mmio_memory[MMIO_DATA + PAGE_SIZE - 1], 0x77);
}

/* 32-bit code, with bases and limits. */
static void through_segments(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_EFER, 0);
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    exit_field(VMCS_GUEST_CR4, 0);
    exit_field(VMCS_GUEST_CR0, CR0_PE);
    exit_field(VMCS_GUEST_CS_BASE, 0x5000);
    exit_field(VMCS_GUEST_DS_BASE, 0xf0000);
    exit_field(VMCS_GUEST_DS_ACCESS_RIGHTS, 0xc093);
    exit_field(VMCS_GUEST_ES_ACCESS_RIGHTS, 0xc093);
    exit_field(VMCS_GUEST_ES_BASE, 0);
    exit_field(VMCS_GUEST_ES_LIMIT, MMIO_DATA + 3);
    mmio_code_at(0x6000, "\x89\x07", 2);
    exit_field(VMCS_GUEST_RIP, 0x1000);
    guest.rdi = 0xfedc000000010004; /* the upper half is not there */
    assert_int_equal(mmio_take_again(MMIO_DEVICE + 4, WRITE), EXIT_RESUME);
    expect_field(VMCS_GUEST_RIP, 0x1002);
    expect_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED);
    expect_unchanged();
    expect_access(0, true, 4, 4, (uint32_t)guest.rax);
    mmio_code_at(0x6000, "\xa5", 1);
    for (unsigned i = 0; i < 2; i++) {
        exit_field(VMCS_GUEST_RIP, 0x1000);
        guest.rsi = 0x10004;
        guest.rdi = MMIO_DATA + i;
        assert_int_equal(mmio_take_again(MMIO_DEVICE + 4, READ), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_GUEST_RIP), i ? 0x1000 : 0x1001);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), i ? 0x80000b0d : 0);
    }
}

/* The local APIC's page as a device: the TPR, and an EOI that lets the next interrupt through. */
static void a_local_apic(void **state)
{
    static struct mmio table;
    (void)state;
    table = (struct mmio){0};
    assert_true(mmio_add(&table, MMIO_DEVICE, PAGE_SIZE, apic_mmio, NULL));
    guest.mmio = &table;
    guest.rdi = MMIO_DEVICE;
    guest.rax = 0x20;
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00000, exit_capability.physical_bits),
                     LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_write_base(&guest.apic, 0xfee00800, exit_capability.physical_bits),
                     LOCAL_APIC_EVENTS);
    MMIO_TAKE("\x89\x87\x80\x00\x00\x00", MMIO_DEVICE + 0x80, VIOLATION_WRITE);
    assert_int_equal(local_apic_priority(&guest.apic), 2);
    assert_int_equal(*simulated_field(VMCS_GUEST_RIP), MMIO_CODE + 6);
    assert_int_equal(MMIO_TAKE("\x8b\x8f\x80\x00\x00\x00", MMIO_DEVICE + 0x80, VIOLATION_READ),
                     EXIT_RESUME);
    assert_int_equal(guest.rcx, 0x20);
    MMIO_TAKE("\xc7\x87\xf0\x00\x00\x00\xff\x01\x00\x00", MMIO_DEVICE + 0xf0, VIOLATION_WRITE);
    local_apic_request(&guest.apic, 0x55);
    assert_int_equal(local_apic_waiting(&guest.apic), 0x55);
    local_apic_accept(&guest.apic, 0x55);
    local_apic_request(&guest.apic, 0x44);
    assert_int_equal(local_apic_waiting(&guest.apic), -1);
    assert_int_equal(
        MMIO_TAKE("\xc7\x87\xb0\x00\x00\x00\x00\x00\x00\x00", MMIO_DEVICE + 0xb0, VIOLATION_WRITE),
        EXIT_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), 0x44);
    for (unsigned offset = 0; offset < PAGE_SIZE - 8; offset += 3) {
        uint64_t value = UINT64_MAX;
        for (unsigned bytes = 1; bytes <= 8; bytes *= 2)
            assert_int_equal(apic_mmio(&guest, NULL, offset, bytes, false, &value), MMIO_DONE);
    }
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    assert_int_equal(MMIO_TAKE("\x89\x87\x80\x00\x00\x00", MMIO_DEVICE + 0x80, VIOLATION_WRITE),
                     EXIT_STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        mmio_test(registers_of_a_device),
        mmio_test(reads_before_writes),
        mmio_test(events_are_looked_for),
        mmio_test(shadows_end_and_steps_trap),
        mmio_test(repeated),
        mmio_test(moves_between_devices),
        mmio_test(through_segments),
        mmio_test(a_local_apic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
