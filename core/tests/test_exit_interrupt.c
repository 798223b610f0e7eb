/* SPDX-License-Identifier: MIT */
/* What waits for a guest, and when VM entry injects it: SDM Vol. 3C 25.8.3, 26.2, 27.6. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../x86/control_registers.h"

#define LOW  0x51
#define HIGH 0x62

static uint64_t *injected(void)
{
    return simulated_field(VMCS_ENTRY_INTERRUPTION_INFO);
}

static bool window(uint32_t bit)
{
    assert_int_equal(*simulated_field(VMCS_PRIMARY_CONTROLS), guest.controls[CONTROL_PRIMARY]);
    return guest.controls[CONTROL_PRIMARY] & bit;
}

static void can_take(bool interrupts, uint64_t blocking)
{
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | (interrupts ? RFLAGS_IF : 0));
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, blocking);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_PRIMARY_CONTROLS, guest.controls[CONTROL_PRIMARY]);
}

static void enable_register(void)
{
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
}

static void enable_apic(void)
{
    local_apic_reset(&guest.apic, 0);
    enable_register();
}

static void interrupts_wait_for_the_guest(void **state)
{
    static const uint64_t blockings[] = {0, BLOCKING_BY_STI, BLOCKING_BY_MOV_SS};
    (void)state;
    enable_apic();
    for (int interrupts = 0; interrupts < 2; interrupts++)
        for (size_t i = 0; i < COUNT_OF(blockings); i++) {
            bool takes = interrupts && !blockings[i];
            local_apic_request(&guest.apic, LOW);
            can_take(interrupts, blockings[i]);
            assert_int_equal(event_prepare(&guest), EXIT_RESUME);
            assert_int_equal(*injected(), takes ? 0x80000000 | LOW : 0);
            assert_int_equal(!window(PRIMARY_INTERRUPT_WINDOW_EXITING), takes);
            if (takes)
                assert_int_equal(local_apic_write(&guest.apic, 0x80b, 0), LOCAL_APIC_EVENTS);
        }
}

/* One of the host's own is not the guest's; it stops the guest if that was why it was sent. */
static void the_hosts_own(void **state)
{
    (void)state;
    simulated_host.vector = 0xf1;
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x800000f1);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    expect_unchanged();
    assert_int_equal(guest.stop.cause, STOP_NONE);
    guest.kicked = true;
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_STOP);
    expect_stop(STOP_KICKED, 0, NULL);
    expect_unchanged();
    assert_false(guest.kicked);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);

    /* Another one is the guest's, and no answer to a kick. */
    guest.kicked = true;
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x800000f2);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(guest.events.acknowledged[3], 1ull << (0xf2 - 192));
    assert_true(guest.kicked);
}

static void one_an_entry_by_priority(void **state)
{
    (void)state;
    enable_apic();
    local_apic_request(&guest.apic, LOW);
    local_apic_request(&guest.apic, HIGH);
    can_take(true, 0);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0x80000000 | HIGH);
    /* The low one is held back by the one in service: no window for it until the EOI. */
    assert_false(window(PRIMARY_INTERRUPT_WINDOW_EXITING));
    assert_int_equal(local_apic_write(&guest.apic, 0x80b, 0), LOCAL_APIC_EVENTS);
    can_take(true, 0);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0x80000000 | LOW);
    assert_int_equal(guest.apic.attention, 0);
}

static void tpr_holds_back(void **state)
{
    (void)state;
    enable_apic();
    assert_true(local_apic_set_tpr(&guest.apic, LOW));
    local_apic_request(&guest.apic, LOW);
    assert_int_equal(local_apic_waiting(&guest.apic), -1);
    assert_false(local_apic_set_tpr(&guest.apic, 0)); /* something waits: the long way */
    can_take(true, 0);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0);
    assert_false(window(PRIMARY_INTERRUPT_WINDOW_EXITING));
    assert_int_equal(local_apic_write(&guest.apic, 0x808, 0x40), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), LOW);
}

static void a_disabled_apic_delivers_nothing(void **state)
{
    (void)state;
    local_apic_reset(&guest.apic, 0);
    local_apic_request(&guest.apic, LOW);
    enable_register();
    assert_int_equal(local_apic_waiting(&guest.apic), -1);
    /* What came before is kept for the CPU: 11.4.7.2. */
    local_apic_request(&guest.apic, LOW);
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0xff), LOCAL_APIC_EVENTS);
    assert_int_equal(local_apic_waiting(&guest.apic), LOW);
}

static void external_interrupts_go_to_the_guest(void **state)
{
    (void)state;
    can_take(true, 0);
    for (unsigned vector = 16; vector < 256; vector++) {
        exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x80000000 | vector);
        exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
        assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
        event_prepare(&guest);
        assert_int_equal(*injected(), 0x80000000 | vector);
        assert_int_equal(simulated_host.ended, vector - 15); /* the guest cannot end it */
    }
    assert_false(event_interrupt_waits(&guest));
    guest.apic.attention |= LOCAL_APIC_HARDWARE; /* now it can */
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(simulated_host.ended, 240);
}

static void the_hosts_interrupts_are_not_the_guests(void **state)
{
    (void)state;
    can_take(true, 0);
    simulated_host.vector = 0xf0;
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x800000f0);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0);
    assert_int_equal(simulated_host.ended, 0); /* served by the host itself */
}

static void nmis_wait_for_their_window(void **state)
{
    static const uint64_t blockings[] = {BLOCKING_BY_NMI, BLOCKING_BY_STI, BLOCKING_BY_MOV_SS};
    (void)state;
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_VIRTUAL_NMIS;
    guest.events.nmi = true;
    for (size_t i = 0; i < COUNT_OF(blockings); i++) {
        can_take(true, blockings[i]);
        event_prepare(&guest);
        assert_int_equal(*injected(), 0);
        assert_true(window(PRIMARY_NMI_WINDOW_EXITING));
    }
    can_take(false, 0); /* RFLAGS.IF is no concern of an NMI */
    assert_int_equal(exit_take(EXIT_REASON_NMI_WINDOW, 0), EXIT_EVENTS);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0x80000202);
    assert_false(window(PRIMARY_NMI_WINDOW_EXITING));
    assert_false(guest.events.nmi);
}

static void what_was_interrupted_is_delivered_again(void **state)
{
    static const struct {
        uint32_t vectoring; /* bit 12 is undefined there and must not come back */
        uint32_t again;
        bool code, length;
    } cases[] = {
        {0x80001051, 0x80000051, false, false}, /* external interrupt */
        {0x80001b0e, 0x80000b0e, true, false},  /* #PF */
        {0x80000480, 0x80000480, false, true},  /* INT 0x80 */
        {0x80000603, 0x80000603, false, true},  /* INT3 */
        {0x80000501, 0x80000501, false, true},  /* INT1 */
        {0x80000202, 0x80000202, false, false}, /* NMI */
    };
    (void)state;
    enable_apic();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool nmi = (cases[i].vectoring & 0x700) == 0x200;
        local_apic_request(&guest.apic, HIGH); /* must wait for its turn */
        can_take(true, nmi ? BLOCKING_BY_NMI : 0);
        exit_field(VMCS_IDT_VECTORING_INFO, cases[i].vectoring);
        exit_field(VMCS_IDT_VECTORING_ERROR_CODE, 0x18);
        exit_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE, 0x99);
        exit_field(VMCS_ENTRY_INSTRUCTION_LENGTH, 7);
        exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 2);
        assert_true(event_keep_interrupted(&guest));
        event_prepare(&guest);
        assert_int_equal(*injected(), cases[i].again);
        assert_int_equal(*simulated_field(VMCS_ENTRY_EXCEPTION_ERROR_CODE),
                         cases[i].code ? 0x18 : 0x99);
        assert_int_equal(*simulated_field(VMCS_ENTRY_INSTRUCTION_LENGTH), cases[i].length ? 2 : 7);
        assert_int_equal(*simulated_field(VMCS_GUEST_INTERRUPTIBILITY), 0);
        assert_true(window(PRIMARY_INTERRUPT_WINDOW_EXITING));
        assert_int_equal(guest.events.interrupted, 0);
    }
    exit_field(VMCS_IDT_VECTORING_INFO, 0x51);
    assert_false(event_keep_interrupted(&guest));
}

static void an_exception_comes_first(void **state)
{
    (void)state;
    enable_apic();
    local_apic_request(&guest.apic, HIGH);
    can_take(true, 0);
    event_exception(&guest, VECTOR_GP, 0);
    event_prepare(&guest);
    assert_int_equal(*injected(), 0x80000b0d);
    assert_true(window(PRIMARY_INTERRUPT_WINDOW_EXITING));
}

static void hlt_wakes_for_what_waits(void **state)
{
    (void)state;
    enable_apic();
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 1);
    local_apic_request(&guest.apic, LOW);
    can_take(true, 0);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    can_take(false, 0);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_HALTED);
}

static void time_ends_by_the_preemption_timer(void **state)
{
    (void)state;
    assert_int_equal(exit_take(EXIT_REASON_PREEMPTION_TIMER, 0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_TIME_LIMIT);
    expect_unchanged();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(interrupts_wait_for_the_guest),
        exit_test(the_hosts_own),
        exit_test(one_an_entry_by_priority),
        exit_test(tpr_holds_back),
        exit_test(a_disabled_apic_delivers_nothing),
        exit_test(external_interrupts_go_to_the_guest),
        exit_test(the_hosts_interrupts_are_not_the_guests),
        exit_test(nmis_wait_for_their_window),
        exit_test(what_was_interrupted_is_delivered_again),
        exit_test(an_exception_comes_first),
        exit_test(hlt_wakes_for_what_waits),
        exit_test(time_ends_by_the_preemption_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
