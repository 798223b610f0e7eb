/* SPDX-License-Identifier: MIT */
/* Exceptions that exit, delivered to the guest; NMIs; and machine checks. SDM Vol. 3C 28.2.2. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../x86/control_registers.h"

#define HARDWARE   0x80000300u
#define INT1       0x80000501u
#define SOFTWARE   0x80000600u
#define NMI        0x80000202u
#define ERROR_CODE 0x800u
#define IRET       0x1000u /* "NMI unblocking due to IRET" */

static enum exit_outcome exception(uint32_t information, uint64_t qualification)
{
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, information);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    return exit_take(EXIT_REASON_EXCEPTION_OR_NMI, qualification);
}

/* As it came, on the instruction it came from; bit 12 is no part of an injection. */
static void hardware_exceptions(void **state)
{
    (void)state;
    for (uint32_t vector = 0; vector < 32; vector++)
        for (uint32_t extra = 0; extra < 4; extra++) {
            uint32_t information = HARDWARE | vector | (extra & 1 ? ERROR_CODE : 0);
            if (vector == VECTOR_DB || vector == VECTOR_NMI || vector == VECTOR_MC ||
                vector == VECTOR_PF)
                continue;
            exit_field(VMCS_EXIT_INTERRUPTION_ERROR_CODE, 0x1234);
            exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x99);
            assert_int_equal(exception(information | (extra & 2 ? IRET : 0), 0x55), EXIT_RESUME);
            expect_field(VMCS_ENTRY_INTERRUPTION_INFO, information);
            expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, extra & 1 ? 0x1234 : 0x99);
            expect_unchanged();
        }
    assert_int_equal(simulated_cpu.cr2, 0);
}

/* INT3, INTO and INT1 push the address behind: the CPU adds the length that it is given. */
static void software_exceptions(void **state)
{
    static const uint32_t kinds[] = {SOFTWARE | VECTOR_BP, SOFTWARE | VECTOR_OF, INT1};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, i + 1);
        exit_field(VMCS_ENTRY_INSTRUCTION_LENGTH, 9);
        assert_int_equal(exception(kinds[i], 0), EXIT_RESUME);
        expect_field(VMCS_ENTRY_INTERRUPTION_INFO, kinds[i]);
        expect_field(VMCS_ENTRY_INSTRUCTION_LENGTH, i + 1);
        expect_unchanged();
        assert_int_equal(simulated_cpu.dr6, 0xffff0ff0); /* INT1 tells nothing there */
    }
}

static void page_faults(void **state)
{
    (void)state;
    exit_field(VMCS_EXIT_INTERRUPTION_ERROR_CODE, 6);
    assert_int_equal(exception(HARDWARE | ERROR_CODE | VECTOR_PF, 0xffff800000001234), EXIT_RESUME);
    assert_int_equal(simulated_cpu.cr2, 0xffff800000001234);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0e);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 6);
    expect_unchanged();
}

/* Breakpoints are replaced, BD and BS added, bus lock and RTM told by a bit that is clear. */
static void debug_exceptions(void **state)
{
    static const struct {
        uint64_t qualification, before, after;
    } cases[] = {
        {1 << 14, 0xffff0ff0, 0xffff4ff0},
        {0x5, 0xffff0ff0, 0xffff0ff5},
        {0x2, 0xffff4ff5, 0xffff4ff2},
        {0x1000 | 0x8, 0xffff0ff0, 0xffff0ff8}, /* bit 12 is of pending debug exceptions only */
        {1 << 13, 0xffff0ff0, 0xffff2ff0},
        {1 << 11, 0xffff0ff0, 0xffff07f0},
        {1 << 16 | 1, 0xffff0ff0, 0xfffe0ff1},
        {UINT64_MAX, 0xffff0ff0, 0xfffe67ff},
    };
    (void)state;
    simulated_cpu.dr6_clearable = 1 << 11 | 1 << 16;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        simulated_cpu.dr6 = cases[i].before;
        exit_field(VMCS_GUEST_DR7, 0x2403);
        exit_field(VMCS_GUEST_DEBUGCTL, 0x4003);
        assert_int_equal(exception(HARDWARE | VECTOR_DB, cases[i].qualification), EXIT_RESUME);
        assert_int_equal(simulated_cpu.dr6, cases[i].after);
        expect_field(VMCS_GUEST_DR7, 0x403);
        expect_field(VMCS_GUEST_DEBUGCTL, 0x4000);
        expect_field(VMCS_ENTRY_INTERRUPTION_INFO, HARDWARE | VECTOR_DB);
        expect_unchanged();
    }
}

/* With RFLAGS.TF, VM entry refuses them without a pending single step (SDM Vol. 3C 27.3.1.5). */
static void a_debug_exception_ends_the_shadow(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_MOV_SS | BLOCKING_BY_NMI);
    assert_int_equal(exception(HARDWARE | VECTOR_DB, 1 << 14), EXIT_RESUME);
    expect_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, HARDWARE | VECTOR_DB);
    expect_unchanged();
}

/* The fault of an IRET leaves NMIs unblocked, whatever bit 12 tells of before. */
static void a_faulting_iret_has_unblocked_nmis(void **state)
{
    (void)state;
    assert_int_equal(exception(HARDWARE | ERROR_CODE | IRET | VECTOR_GP, 0), EXIT_RESUME);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, 0x80000b0d);
    expect_unchanged();
    assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), 0);
}

static void nmis(void **state)
{
    (void)state;
    assert_int_equal(exception(NMI, 0), EXIT_EVENTS);
    expect_unchanged();
    assert_true(guest.events.nmi);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), NMI);
    assert_false(guest.events.nmi);

    simulated_nmi_set(true, false); /* the host's own */
    assert_int_equal(exception(NMI, 0), EXIT_EVENTS);
    assert_false(guest.events.nmi);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
}

/* One that came while the host ran; again blocked until the guest is ready. */
static void nmis_outside_of_the_guest(void **state)
{
    (void)state;
    simulated_nmi_set(false, true);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, 0);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), NMI);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
}

static void machine_checks(void **state)
{
    (void)state;
    assert_int_equal(exception(HARDWARE | VECTOR_MC, 0), EXIT_STOP);
    expect_stop(STOP_MACHINE_CHECK, EXIT_RIP, NULL);
    expect_unchanged();
}

/* Not valid, of a type that no exception has, or of no exception. */
static void what_the_sdm_does_not_define(void **state)
{
    static const uint32_t kinds[] = {0x306,      0x80000006, 0x80000106, 0x80000406,
                                     0x80000706, 0x80000320, 0x800003ff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        assert_int_equal(exception(kinds[i], 0), EXIT_STOP);
        expect_stop(STOP_UNHANDLED, kinds[i],
                    "interruption information that the SDM does not define");
        expect_unchanged();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(hardware_exceptions),
        exit_test(software_exceptions),
        exit_test(page_faults),
        exit_test(debug_exceptions),
        exit_test(a_debug_exception_ends_the_shadow),
        exit_test(a_faulting_iret_has_unblocked_nmis),
        exit_test(nmis),
        exit_test(nmis_outside_of_the_guest),
        exit_test(machine_checks),
        exit_test(what_the_sdm_does_not_define),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
