/* SPDX-License-Identifier: MIT */
/* An exception on top of an event whose delivery the VM exit interrupted: SDM Vol. 3A table 7-5. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../x86/control_registers.h"

#define HARDWARE 0x80000300u
#define EXTERNAL 0x80000000u
#define NMI      0x80000202u
#define DOUBLE   0x80000b08u

/* Table 7-4, by hand. */
static bool contributory(uint32_t vector)
{
    return vector == 0 || (vector >= 10 && vector <= 13) || vector == 21;
}

static bool is_page_fault(uint32_t vector)
{
    return vector == 14 || vector == 20;
}

static bool has_error_code(uint32_t vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21;
}

static uint32_t hardware(uint32_t vector)
{
    return HARDWARE | vector | (has_error_code(vector) ? 0x800 : 0);
}

static void interrupts_delivery(uint32_t first)
{
    exit_field(VMCS_IDT_VECTORING_INFO, first);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x99);
    guest.stop.cause = STOP_NONE;
}

static void every_two_exceptions(void **state)
{
    (void)state;
    for (uint32_t first = 0; first < 32; first++)
        for (uint32_t second = 0; second < 32; second++) {
            bool severe = contributory(second) || is_page_fault(second);
            bool doubles =
                (contributory(first) && contributory(second)) || (is_page_fault(first) && severe);
            if (first == 2 || second == 2)
                continue;
            interrupts_delivery(hardware(first) | 0x1000); /* bit 12 is undefined there */
            enum exit_outcome outcome =
                event_exception(&guest, (enum exception_vector)second, 0x1234);
            uint64_t injected = *simulated_field(VMCS_ENTRY_INTERRUPTION_INFO);
            uint64_t error = *simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE);
            if (first == 8 && severe) {
                assert_int_equal(outcome, EXIT_STOP);
                assert_int_equal(guest.stop.cause, STOP_TRIPLE_FAULT);
                assert_int_equal(guest.stop.value, second);
                assert_int_equal(injected, 0);
                continue;
            }
            assert_int_equal(outcome, EXIT_RESUME);
            assert_int_equal(injected, doubles ? DOUBLE : hardware(second));
            assert_int_equal(error, doubles ? 0 : has_error_code(second) ? 0x1234 : 0x99);
            assert_int_equal(guest.stop.cause, STOP_NONE);
        }
}

/* In real mode #DF has no error code, as no exception has. */
static void in_real_mode(void **state)
{
    (void)state;
    exit_field(VMCS_GUEST_CR0, 0);
    interrupts_delivery(HARDWARE | VECTOR_GP);
    assert_int_equal(event_exception(&guest, VECTOR_GP, 0), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), HARDWARE | VECTOR_DF);
    assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE), 0x99);
}

/* INT 14 is no page fault and INT3 no exception that counts; the instruction will come again. */
static void what_software_asked_for_is_benign(void **state)
{
    static const uint32_t firsts[] = {0x8000040e, 0x8000040d, 0x80000603, 0x80000501, 0x80000608};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(firsts); i++) {
        interrupts_delivery(firsts[i]);
        assert_int_equal(event_exception(&guest, VECTOR_NP, 0x1234), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0b);
        assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE), 0x1234);
        assert_int_equal(guest.events.interrupted, 0);
        assert_false(event_interrupt_waits(&guest));
    }
}

/* The exception first; the interrupt once the guest lets it in. */
static void an_interrupt_waits_for_its_turn(void **state)
{
    (void)state;
    for (uint32_t vector = 16; vector < 256; vector++) {
        interrupts_delivery(EXTERNAL | vector);
        exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
        assert_int_equal(event_page_fault(&guest, 0x5000, 2), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0e);
        assert_int_equal(simulated_cpu.cr2, 0x5000);
        assert_true(guest.controls[CONTROL_PRIMARY] & PRIMARY_INTERRUPT_WINDOW_EXITING);

        interrupts_delivery(0);
        assert_int_equal(exit_take(EXIT_REASON_INTERRUPT_WINDOW, 0), EXIT_EVENTS);
        event_prepare(&guest);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), EXTERNAL | vector);
        assert_false(guest.controls[CONTROL_PRIMARY] & PRIMARY_INTERRUPT_WINDOW_EXITING);
    }
}

/* Its delivery would have blocked NMIs; that has not come to pass. */
static void an_nmi_waits_for_its_turn(void **state)
{
    (void)state;
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_VIRTUAL_NMIS;
    interrupts_delivery(NMI);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    assert_int_equal(event_exception(&guest, VECTOR_NP, 0x12), EXIT_EVENTS);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0b);
    assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), 0);
    assert_true(guest.controls[CONTROL_PRIMARY] & PRIMARY_NMI_WINDOW_EXITING);
    interrupts_delivery(0);
    event_prepare(&guest);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), NMI);
}

/* A handler that kept the first event and then found a fault: nothing is delivered twice. */
static void what_was_kept_is_decided_anew(void **state)
{
    (void)state;
    interrupts_delivery(hardware(VECTOR_PF));
    assert_true(event_keep_interrupted(&guest));
    assert_int_equal(event_exception(&guest, VECTOR_GP, 0), EXIT_RESUME);
    assert_int_equal(guest.events.interrupted, 0);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), DOUBLE);
}

/* The same by the exits that the exception bitmap makes. */
static void exceptions_that_exit(void **state)
{
    (void)state;
    interrupts_delivery(hardware(VECTOR_GP));
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, hardware(VECTOR_NP));
    exit_field(VMCS_EXIT_INTERRUPTION_ERROR_CODE, 0x6a);
    assert_int_equal(exit_take(EXIT_REASON_EXCEPTION_OR_NMI, 0), EXIT_RESUME);
    expect_field(VMCS_ENTRY_INTERRUPTION_INFO, DOUBLE);
    expect_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0);
    expect_unchanged();

    interrupts_delivery(DOUBLE);
    assert_int_equal(exit_take(EXIT_REASON_EXCEPTION_OR_NMI, 0), EXIT_STOP);
    expect_stop(STOP_TRIPLE_FAULT, VECTOR_NP, "an exception in the delivery of #DF");
    expect_unchanged();
}

/* An IRET that is to be executed again must find NMIs blocked; not so behind a delivery. */
static void an_iret_that_comes_again(void **state)
{
    (void)state;
    event_block_nmis_again(0xffffefff);
    assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), 0);
    exit_field(VMCS_IDT_VECTORING_INFO, NMI);
    event_block_nmis_again(0x1000);
    assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), 0);
    exit_field(VMCS_IDT_VECTORING_INFO, 0);
    event_block_nmis_again(0x1000);
    assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), BLOCKING_BY_NMI);
}

/* The price of all this: one VMREAD where an exception is injected. */
static void one_vmread(void **state)
{
    (void)state;
    guest.rcx = 0x480; /* an MSR that no guest may read */
    assert_int_equal(exit_take(EXIT_REASON_RDMSR, 0), EXIT_RESUME);
    expect_gp();
#ifdef PROBE_COUNTING
    assert_int_equal(cost.vmreads, 3); /* and RIP, for the record */
#else
    assert_int_equal(cost.vmreads, 2);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(every_two_exceptions),
        exit_test(in_real_mode),
        exit_test(what_software_asked_for_is_benign),
        exit_test(an_interrupt_waits_for_its_turn),
        exit_test(an_nmi_waits_for_its_turn),
        exit_test(what_was_kept_is_decided_anew),
        exit_test(exceptions_that_exit),
        exit_test(an_iret_that_comes_again),
        exit_test(one_vmread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
