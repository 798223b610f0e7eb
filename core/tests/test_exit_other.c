/* SPDX-License-Identifier: MIT */
/* VMCALL, HLT, and every exit reason that has no handler. */
#include "exit_fixture.h"

#include "../../guests/blob.h"

#define ENOSYS_RESULT ((uint64_t)-38)
#define EPERM_RESULT  ((uint64_t)-1)

static enum exit_outcome hypercall(uint64_t number)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
    guest.rax = number;
    return exit_take(EXIT_REASON_VMCALL, 0);
}

static void vmcall_nop(void **state)
{
    (void)state;
    assert_int_equal(hypercall(HYPERCALL_NOP), EXIT_RESUME);
    expect_completed();
    assert_int_equal(cost.vmreads, 3);
    assert_int_equal(cost.vmwrites, 1);
    exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc0f3);
    assert_int_equal(hypercall(HYPERCALL_NOP), EXIT_RESUME);
    expect_completed();
}

static void vmcall_phase_done(void **state)
{
    (void)state;
    assert_int_equal(hypercall(HYPERCALL_PHASE_DONE), EXIT_STOP);
    expect_stop(STOP_PHASE_DONE, 0, NULL);
    expect_completed();
}

static void vmcall_failed(void **state)
{
    (void)state;
    guest.rdi = 0x10e;
    assert_int_equal(hypercall(HYPERCALL_FAILED), EXIT_STOP);
    expect_stop(STOP_GUEST_FAILED, 0x10e, NULL);
    expect_completed();
}

/* RAX is taken whole: 2^32 is not HYPERCALL_NOP. */
static void vmcall_unknown(void **state)
{
    static const uint64_t numbers[] = {7, 0x1000, 1ull << 32, 1ull << 32 | 1, UINT64_MAX};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        assert_int_equal(hypercall(numbers[i]), EXIT_RESUME);
        expected.rax = ENOSYS_RESULT;
        expect_completed();
    }
}

/* A 32-bit guest has no say in the upper halves, and may find anything in them. */
static void vmcall_in_32_bit_code(void **state)
{
    const uint64_t upper = 0xabcd1234ull << 32;
    (void)state;
    exit_field(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc09b);
    assert_int_equal(hypercall(upper | HYPERCALL_NOP), EXIT_RESUME);
    expected.rax = 0;
    expect_completed();
    assert_int_equal(hypercall(upper | 7), EXIT_RESUME);
    expected.rax = ENOSYS_RESULT;
    expect_completed();
    guest.rdi = upper | 0x10e;
    assert_int_equal(hypercall(upper | HYPERCALL_FAILED), EXIT_STOP);
    expect_stop(STOP_GUEST_FAILED, 0x10e, NULL);
    assert_int_equal(hypercall(upper | HYPERCALL_PHASE_DONE), EXIT_STOP);
    expect_stop(STOP_PHASE_DONE, 0, NULL);
}

static void vmcall_needs_privilege(void **state)
{
    (void)state;
    for (uint64_t level = 0; level < 4; level++)
        for (uint64_t number = 1; number < 8; number++) {
            if (!level && number >= HYPERCALL_NMI && number <= HYPERCALL_INTERRUPT)
                continue; /* test_exit_request.c */
            exit_field(VMCS_GUEST_SS_ACCESS_RIGHTS, 0xc093 | level << 5);
            guest.stop.cause = STOP_NONE;
            enum exit_outcome outcome = hypercall(number);
            assert_int_equal(outcome, level == 0 && number < 3 ? EXIT_STOP : EXIT_RESUME);
            if (outcome == EXIT_RESUME) {
                expected.rax = level ? EPERM_RESULT : ENOSYS_RESULT;
                assert_int_equal(guest.stop.cause, STOP_NONE);
            }
            expect_completed();
        }
}

static void hlt(void **state)
{
    (void)state;
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 1);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    expect_stop(STOP_HALTED, 0, NULL);
    expect_completed();
}

/* What stops the guest under its plain name. */
static const uint32_t unhandled[] = {
    EXIT_REASON_IO_SMI,
    EXIT_REASON_OTHER_SMI,
    EXIT_REASON_XSAVES,
    EXIT_REASON_XRSTORS,
    EXIT_REASON_SPP_EVENT,
    EXIT_REASON_ENQCMD_PASID,
    EXIT_REASON_ENQCMDS_PASID,
    EXIT_REASON_BUS_LOCK,
    EXIT_REASON_INSTRUCTION_TIMEOUT,
    35, /* numbers without a meaning */
    38,
    42,
    71,
};

static void all_others_stop(void **state)
{
    (void)state;
    for (uint32_t reason = 0; reason < EXIT_REASONS; reason++)
        assert_non_null(exit_handlers[reason]);
    for (size_t i = 0; i < COUNT_OF(unhandled); i++) {
        uint32_t reason = unhandled[i];
        assert_int_equal(exit_take(reason, 0x1234500000 + reason), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, 0x1234500000 + reason, NULL);
        assert_int_equal(guest.stop.exit_reason, reason);
        expect_unchanged();
    }
}

/* Numbers behind the table, and bits 30:16 of an exit reason, without bit 31. */
static void unknown_reasons_stop(void **state)
{
    static const uint32_t reasons[] = {EXIT_REASONS,  1000,          0xffff,    1u << 16 | 10,
                                       1u << 27 | 10, 1u << 28 | 48, 0x7fffffff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reasons); i++) {
        assert_int_equal(exit_take(reasons[i], 0x55 + i), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, 0x55 + i, NULL);
        assert_int_equal(guest.stop.exit_reason, reasons[i]);
        expect_unchanged();
    }
}

static void failed_entries_stop_by_name(void **state)
{
    static const struct {
        uint32_t reason;
        const char *name;
    } entries[] = {
        {33, "VM-entry failure, invalid guest state"},
        {34, "VM-entry failure, MSR loading"},
        {41, "VM-entry failure, machine-check event"},
        {99, "unknown exit reason"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(entries); i++) {
        assert_int_equal(exit_take(entries[i].reason | EXIT_REASON_ENTRY_FAILURE, 4), EXIT_STOP);
        expect_stop(STOP_ENTRY_FAILED, 4, entries[i].name);
        expect_unchanged();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(vmcall_nop),
        exit_test(vmcall_phase_done),
        exit_test(vmcall_failed),
        exit_test(vmcall_unknown),
        exit_test(vmcall_in_32_bit_code),
        exit_test(vmcall_needs_privilege),
        exit_test(hlt),
        exit_test(all_others_stop),
        exit_test(unknown_reasons_stop),
        exit_test(failed_entries_stop_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
