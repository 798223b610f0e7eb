/* SPDX-License-Identifier: MIT */
/* VM exits that a guest asks for by hypercalls: each comes once, and leaves all as it was. */
#include "exit_fixture.h"

#include "../exits/request.h"
#include "../hypercall.h"
#include "../vmx/event.h"
#include "../x86/control_registers.h"

#define UNSUPPORTED ((uint64_t)-95)
#define LEFT        123456u

static enum exit_outcome ask(uint64_t number)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 3);
    exit_field(VMCS_PRIMARY_CONTROLS, guest.controls[CONTROL_PRIMARY]);
    exit_field(VMCS_PREEMPTION_TIMER, LEFT);
    guest.rax = number;
    return exit_take(EXIT_REASON_VMCALL, 0);
}

static void offer_trap_flag(bool offered)
{
    uint64_t bit = (uint64_t)PRIMARY_MONITOR_TRAP_FLAG << 32;

    exit_capability.controls[CONTROL_PRIMARY] &= ~bit;
    exit_capability.controls[CONTROL_PRIMARY] |= offered ? bit : 0;
}

static void a_step(void **state)
{
    (void)state;
    offer_trap_flag(true);
    assert_int_equal(ask(HYPERCALL_STEP), EXIT_RESUME);
    expected.rax = 0;
    expected.controls[CONTROL_PRIMARY] |= PRIMARY_MONITOR_TRAP_FLAG;
    expect_field(VMCS_PRIMARY_CONTROLS, expected.controls[CONTROL_PRIMARY]);
    expect_completed();
    assert_int_equal(ask(HYPERCALL_STEP), EXIT_RESUME); /* one at a time */
    assert_int_equal(guest.rax, UNSUPPORTED);

    assert_int_equal(exit_take(EXIT_REASON_MONITOR_TRAP_FLAG, 0), EXIT_RESUME);
    expected.controls[CONTROL_PRIMARY] &= ~(uint32_t)PRIMARY_MONITOR_TRAP_FLAG;
    expect_field(VMCS_PRIMARY_CONTROLS, expected.controls[CONTROL_PRIMARY]);
    expect_unchanged();
    /* The next is the caller's own. */
    assert_int_equal(exit_take(EXIT_REASON_MONITOR_TRAP_FLAG, 0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_SINGLE_STEP);
}

static void no_step(void **state)
{
    (void)state;
    offer_trap_flag(false);
    assert_int_equal(ask(HYPERCALL_STEP), EXIT_RESUME);
    expected.rax = UNSUPPORTED;
    expect_completed();
    /* While the caller steps the guest. */
    offer_trap_flag(true);
    guest.controls[CONTROL_PRIMARY] |= PRIMARY_MONITOR_TRAP_FLAG;
    assert_int_equal(ask(HYPERCALL_STEP), EXIT_RESUME);
    expected.rax = UNSUPPORTED;
    expect_completed();
    assert_int_equal(exit_take(EXIT_REASON_MONITOR_TRAP_FLAG, 0), EXIT_STOP);
}

static void an_expiry(void **state)
{
    (void)state;
    assert_int_equal(ask(HYPERCALL_EXPIRE), EXIT_RESUME);
    expected.rax = UNSUPPORTED;
    expect_completed();

    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_PREEMPTION_TIMER;
    assert_int_equal(ask(HYPERCALL_EXPIRE), EXIT_RESUME);
    expected.rax = 0;
    expect_field(VMCS_PREEMPTION_TIMER, 0);
    expect_completed();
    assert_int_equal(exit_take(EXIT_REASON_PREEMPTION_TIMER, 0), EXIT_RESUME);
    expect_field(VMCS_PREEMPTION_TIMER, LEFT);
    expect_unchanged();
    /* The limit itself still holds. */
    assert_int_equal(exit_take(EXIT_REASON_PREEMPTION_TIMER, 0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_TIME_LIMIT);
}

/* Asked for twice before it has come, what was left of the time is not lost. */
static void an_expiry_asked_for_twice(void **state)
{
    (void)state;
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_PREEMPTION_TIMER;
    ask(HYPERCALL_EXPIRE);
    guest.rax = HYPERCALL_EXPIRE;
    exit_take(EXIT_REASON_VMCALL, 0);
    assert_int_equal(exit_take(EXIT_REASON_PREEMPTION_TIMER, 0), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_PREEMPTION_TIMER), LEFT);
}

static void an_interrupt(void **state)
{
    (void)state;
    simulated_host = (struct simulated_host){.vector = 0xf0};
    assert_int_equal(ask(HYPERCALL_INTERRUPT), EXIT_RESUME);
    expected.rax = UNSUPPORTED;
    expect_completed();
    assert_int_equal(simulated_host.timers, 0);

    guest.apic.host_timer = true;
    guest.apic.armed = 0x777777;
    assert_int_equal(ask(HYPERCALL_INTERRUPT), EXIT_RESUME);
    expected.rax = 0;
    expect_completed();
    assert_int_equal(simulated_host.timers, 1);
    assert_int_equal(simulated_host.timer, 1);
    exit_field(VMCS_EXIT_INTERRUPTION_INFO, 0x800000f0);
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(simulated_host.timer, 0x777777); /* what the guest's timer waits for */
    expect_unchanged();
    assert_int_equal(exit_take(EXIT_REASON_EXTERNAL_INTERRUPT, 0), EXIT_EVENTS);
    assert_int_equal(simulated_host.timers, 2);
}

static void an_nmi(void **state)
{
    (void)state;
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_VIRTUAL_NMIS;
    assert_int_equal(ask(HYPERCALL_NMI), EXIT_EVENTS);
    assert_int_equal(guest.rax, 0);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000202);
    /* In its handler. */
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_GUEST_INTERRUPTIBILITY, BLOCKING_BY_NMI);
    assert_int_equal(ask(HYPERCALL_NMI), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(*simulated_field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_true(guest.controls[CONTROL_PRIMARY] & PRIMARY_NMI_WINDOW_EXITING);
}

/* A guest that is started anew finds nothing of it. */
static void what_has_not_come_is_dropped(void **state)
{
    (void)state;
    offer_trap_flag(true);
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_PREEMPTION_TIMER;
    guest.apic.host_timer = true;
    ask(HYPERCALL_EXPIRE);
    guest.rax = HYPERCALL_STEP;
    exit_take(EXIT_REASON_VMCALL, 0);
    guest.rax = HYPERCALL_INTERRUPT;
    exit_take(EXIT_REASON_VMCALL, 0);
    request_drop(&guest);
    assert_int_equal(guest.requested, 0);
    assert_false(guest.controls[CONTROL_PRIMARY] & PRIMARY_MONITOR_TRAP_FLAG);
    assert_int_equal(*simulated_field(VMCS_PRIMARY_CONTROLS), guest.controls[CONTROL_PRIMARY]);
    assert_int_equal(*simulated_field(VMCS_PREEMPTION_TIMER), LEFT);
    assert_int_equal(simulated_host.timer, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(a_step),
        exit_test(no_step),
        exit_test(an_expiry),
        exit_test(an_expiry_asked_for_twice),
        exit_test(an_interrupt),
        exit_test(an_nmi),
        exit_test(what_has_not_come_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
