/* SPDX-License-Identifier: MIT */
/* A guest that has the machine: its devices' interrupts, and what wakes it from HLT. */
#include "exit_fixture.h"

#include "../vmx/event.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"

#define VECTOR  0x31
#define EXITING PIN_BASED_EXTERNAL_INTERRUPT_EXITING

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static bool window_is_open(void)
{
    return field(VMCS_PRIMARY_CONTROLS) & (uint32_t)PRIMARY_INTERRUPT_WINDOW_EXITING;
}

static void begin(bool exiting, uint64_t flags, uint64_t blocking)
{
    guest.has_machine = true;
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    guest.controls[CONTROL_PIN_BASED] &= ~(uint32_t)EXITING;
    guest.controls[CONTROL_PIN_BASED] |= exiting ? EXITING : 0;
    exit_field(VMCS_PIN_BASED_CONTROLS, guest.controls[CONTROL_PIN_BASED]);
    exit_field(VMCS_PRIMARY_CONTROLS, guest.controls[CONTROL_PRIMARY]);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | flags);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, blocking);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 1);
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
}

/* Whatever its vector, and the controller is not told that it has ended. */
static void an_interrupt_is_taken_and_injected(void **state)
{
    static const uint8_t vectors[] = {8, VECTOR, 0xf0, 0xf1, 0xff};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(vectors); i++) {
        begin(true, RFLAGS_IF, 0);
        simulated_host.takes = vectors[i];
        simulated_host.vector = 0xf1; /* the host asks for that one, of other guests */
        assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000000 | vectors[i]);
        assert_int_equal(simulated_host.ended, 0);
        assert_false(window_is_open());
    }
}

/* Then it stays in its controller, which may mask it or give it another vector. */
static void one_that_cannot_be_taken_is_not_acknowledged(void **state)
{
    static const struct {
        uint64_t flags, blocking;
    } cases[] = {{0, 0}, {RFLAGS_IF, BLOCKING_BY_STI}, {RFLAGS_IF, BLOCKING_BY_MOV_SS}};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(true, cases[i].flags, cases[i].blocking);
        simulated_host.takes = VECTOR;
        assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_int_equal(simulated_host.takes, VECTOR);
        assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
        assert_int_equal(field(VMCS_PIN_BASED_CONTROLS) & EXITING, 0);
        assert_true(window_is_open());
        /* Other events leave the window open. */
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_true(window_is_open());
        /* It opens: interrupts exit again, and this one comes at once. */
        exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
        exit_field(VMCS_GUEST_INTERRUPTIBILITY, 0);
        assert_int_equal(exit_take(EXIT_REASON_INTERRUPT_WINDOW, 0), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_int_equal(field(VMCS_PIN_BASED_CONTROLS) & EXITING, EXITING);
        assert_false(window_is_open());
        assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
        assert_int_equal(event_prepare(&guest), EXIT_RESUME);
        assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000000 | VECTOR);
    }
}

/* The device has thought better of it. */
static void one_that_is_gone(void **state)
{
    (void)state;
    begin(true, RFLAGS_IF, 0);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_false(window_is_open());
}

/* With exits, event_prepare() sees what wakes it; without, the activity state is all there is. */
static void halt_waits_for_devices(void **state)
{
    (void)state;
    begin(true, RFLAGS_IF, 0);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    simulated_host.takes = VECTOR;
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000000 | VECTOR);
    assert_false(guest.events.halted);

    begin(false, RFLAGS_IF, 0);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    assert_int_equal(field(VMCS_GUEST_RIP), EXIT_RIP + 1);
    /* The interrupt went by the guest's own IDT: the next exit must not halt it again. */
    exit_field(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_ACTIVE);
}

static void halt_for_good_stops(void **state)
{
    (void)state;
    for (int exiting = 0; exiting < 2; exiting++) {
        begin(exiting, 0, 0);
        assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
        assert_int_equal(guest.stop.cause, STOP_HALTED);
    }
}

static void write_base(uint64_t value)
{
    begin(true, 0, 0);
    guest.rcx = IA32_APIC_BASE;
    guest.rax = (uint32_t)value;
    guest.rdx = value >> 32;
}

/* The CPU's own local APIC stays where it is: its page would hide the core's memory. */
static void the_apic_does_not_move(void **state)
{
    static const uint64_t moved[] = {0x7e00900, 0xfee01900, 0x1fee00900};
    (void)state;
    simulated_msr_set(IA32_APIC_BASE, 0xfee00900);
    for (size_t i = 0; i < COUNT_OF(moved); i++) {
        write_base(moved[i]);
        exit_take(EXIT_REASON_WRMSR, 0);
        assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000b0d); /* #GP */
        assert_int_equal(simulated_msr(IA32_APIC_BASE)->value, 0xfee00900);
    }
    write_base(0xfee00d00);
    assert_int_equal(exit_take(EXIT_REASON_WRMSR, 0), EXIT_RESUME);
    assert_int_equal(simulated_msr(IA32_APIC_BASE)->value, 0xfee00d00);
    /* Without the machine, but with the CPU's own, the bitmaps decide. */
    write_base(0xfee01900);
    guest.has_machine = false;
    assert_int_equal(exit_take(EXIT_REASON_WRMSR, 0), EXIT_RESUME);
    assert_int_equal(simulated_msr(IA32_APIC_BASE)->value, 0xfee01900);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(an_interrupt_is_taken_and_injected),
        exit_test(one_that_cannot_be_taken_is_not_acknowledged),
        exit_test(one_that_is_gone),
        exit_test(halt_waits_for_devices),
        exit_test(halt_for_good_stops),
        exit_test(the_apic_does_not_move),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
