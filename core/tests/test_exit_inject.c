/* SPDX-License-Identifier: MIT */
/* HYPERCALL_INJECT: what it injects, and what it does not. */
#include "exit_fixture.h"

#include "../hypercall.h"
#include "../vmx/event.h"

#include <string.h>

static enum exit_outcome inject(uint64_t information)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    guest.rax = HYPERCALL_INJECT;
    guest.rdi = information;
    return exit_take(EXIT_REASON_VMCALL, 0);
}

static void nothing_without_the_valid_bit(void **state)
{
    (void)state;
    assert_int_equal(inject(0x7fffffff), EXIT_RESUME);
    expected.rax = 0;
    expect_completed();
}

static void exceptions(void **state)
{
    const uint32_t plain = 1u << 0 | 1u << 6 | 1u << 7, with_code = 0xfu << 10 | 1u << 17;
    (void)state;
    exit_field(VMCS_GUEST_CR0, 0x80000031);
    for (uint32_t vector = 0; vector < 256; vector++) {
        bool known = vector < 32 && (plain | with_code) >> vector & 1;
        exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x77);
        assert_int_equal(inject(EVENT_VALID | EVENT_HARDWARE_EXCEPTION | vector), EXIT_RESUME);
        expected.rax = known ? 0 : HYPERCALL_INVALID;
        if (known) {
            uint32_t code = with_code >> vector & 1 ? EVENT_DELIVER_ERROR_CODE : 0;
            expect_field(VMCS_ENTRY_INTERRUPTION_INFO,
                         EVENT_VALID | EVENT_HARDWARE_EXCEPTION | vector | code);
            if (code)
                expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
        }
        expect_field(VMCS_GUEST_RIP, EXIT_RIP + 3);
        expect_unchanged();
    }
}

static void interrupts_wait_for_event_prepare(void **state)
{
    (void)state;
    for (uint32_t vector = 0; vector < 256; vector++) {
        memset(guest.events.acknowledged, 0, sizeof(guest.events.acknowledged));
        assert_int_equal(inject(EVENT_VALID | vector), vector < 32 ? EXIT_RESUME : EXIT_EVENTS);
        expected.rax = vector < 32 ? HYPERCALL_INVALID : 0;
        if (vector >= 32)
            expected.events.acknowledged[vector / 64] = 1ull << vector % 64;
        expect_completed();
    }
}

/* NMIs, software interrupts, reserved bits and types; RDI is taken whole. */
static void nothing_else(void **state)
{
    static const uint64_t others[] = {
        EVENT_VALID | EVENT_NMI | 2,
        EVENT_VALID | EVENT_SOFTWARE_INTERRUPT | 0x50,
        EVENT_VALID | EVENT_PRIVILEGED_TRAP | 1,
        EVENT_VALID | EVENT_SOFTWARE_EXCEPTION | 3,
        EVENT_VALID | 7u << 8,
        EVENT_VALID | 1u << 8 | 0x50,
        EVENT_VALID | EVENT_HARDWARE_EXCEPTION | EVENT_DELIVER_ERROR_CODE | 13,
        EVENT_VALID | EVENT_UNBLOCKED_NMIS | 0x50,
        EVENT_VALID | 1u << 30 | 0x50,
        1ull << 32 | EVENT_VALID | 0x50,
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        assert_int_equal(inject(others[i]), EXIT_RESUME);
        expected.rax = HYPERCALL_INVALID;
        expect_completed();
    }
}

static void takes_privilege(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    assert_int_equal(inject(EVENT_VALID | 0x50), EXIT_RESUME);
    expected.rax = HYPERCALL_UNPRIVILEGED;
    expect_completed();
}

static void the_upper_half_is_not_a_32_bit_guests(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    assert_int_equal(inject(0xabcdull << 32 | EVENT_VALID | 0x50), EXIT_EVENTS);
    expected.rax = 0;
    expected.events.acknowledged[1] = 1ull << 16;
    expect_completed();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(nothing_without_the_valid_bit),
        exit_test(exceptions),
        exit_test(interrupts_wait_for_event_prepare),
        exit_test(nothing_else),
        exit_test(takes_privilege),
        exit_test(the_upper_half_is_not_a_32_bit_guests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
