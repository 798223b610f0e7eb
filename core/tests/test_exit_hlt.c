/* SPDX-License-Identifier: MIT */
/* HLT, and what other vCPUs and the timer bring to one that runs or halts. */
#include "exit_fixture.h"

#include "../exits/apic_bus.h"
#include "../exits/apic_timer.h"
#include "../vmx/event.h"
#include "../x86/control_registers.h"

#define VECTOR 0x51

static struct apic_bus bus;
static struct local_apic other;

static uint64_t field(enum vmcs_field encoding)
{
    return *simulated_field(encoding);
}

static void halt_with(uint64_t flags)
{
    exit_field(VMCS_GUEST_RIP, EXIT_RIP);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | flags);
    exit_field(VMCS_ENTRY_INTERRUPTION_INFO, 0);
    exit_field(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    exit_field(VMCS_EXIT_INSTRUCTION_LENGTH, 1);
    guest.events.halted = false;
}

/* A timer that will expire, and external interrupts that exit. */
static void timed(void)
{
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
    assert_int_equal(local_apic_write(&guest.apic, 0x83e, 0xb), LOCAL_APIC_DONE);
    assert_int_equal(local_apic_write(&guest.apic, 0x832, VECTOR), LOCAL_APIC_DONE);
    local_apic_timer_begin(&guest.apic, true);
    assert_int_equal(local_apic_write(&guest.apic, 0x838, 10000), LOCAL_APIC_DONE);
}

static void paired(void)
{
    bus = (struct apic_bus){0};
    local_apic_reset(&other, 8);
    assert_true(apic_bus_add(&bus, &guest.apic) && apic_bus_add(&bus, &other));
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    assert_int_equal(local_apic_write(&guest.apic, 0x80f, 0x1ff), LOCAL_APIC_DONE);
}

static void the_timer_wakes(void **state)
{
    (void)state;
    timed();
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_int_equal(field(VMCS_GUEST_RIP), EXIT_RIP + 1);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    /* An exit that has nothing to do with it; as Bochs has it, active afterwards. */
    exit_field(VMCS_GUEST_ACTIVITY, ACTIVITY_ACTIVE);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    simulated_cpu.tsc += 10000;
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000000 | VECTOR);
    assert_false(guest.events.halted);
}

/* What the timer brings is held back by the TPR, and then there is nothing more to come. */
static void a_wait_without_end_is_told(void **state)
{
    (void)state;
    timed();
    assert_true(local_apic_set_tpr(&guest.apic, 0xf0));
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    simulated_cpu.tsc += 10000;
    assert_int_equal(event_prepare(&guest), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_HALTED);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_ACTIVE);
}

static void nothing_can_wake(void **state)
{
    (void)state;
    timed();
    halt_with(0); /* interrupts are off */
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    guest.controls[CONTROL_PIN_BASED] &= ~PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    guest.controls[CONTROL_PIN_BASED] |= PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    exit_capability.misc &= ~(1ull << 6); /* the CPU cannot be entered in HLT */
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    exit_capability.misc |= 1ull << 6;
    assert_int_equal(local_apic_write(&guest.apic, 0x838, 0), LOCAL_APIC_DONE);
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_HALTED);
}

static void single_stepped(void **state)
{
    (void)state;
    timed();
    halt_with(RFLAGS_IF | RFLAGS_TF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_false(guest.events.halted);
}

static void another_vcpu_wakes(void **state)
{
    (void)state;
    paired();
    halt_with(0); /* an NMI can come, or an INIT */
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_EVENTS);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    apic_post_interrupt(&guest.apic, VECTOR); /* interrupts are off */
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0);
    assert_int_equal(field(VMCS_GUEST_ACTIVITY), ACTIVITY_HLT);
    apic_post_nmi(&guest.apic);
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000202);
    assert_false(guest.events.halted);
}

static void posted_before_the_entry(void **state)
{
    (void)state;
    paired();
    apic_post_interrupt(&guest.apic, VECTOR);
    exit_field(VMCS_GUEST_RFLAGS, RFLAGS_FIXED | RFLAGS_IF);
    simulated_cpu.number = 6; /* the VMCS being current there */
    assert_true(event_begin(&guest));
    assert_int_equal(guest.apic.running_on, 7);
    assert_int_equal(field(VMCS_ENTRY_INTERRUPTION_INFO), 0x80000000 | VECTOR);
    event_end(&guest);
    assert_int_equal(guest.apic.running_on, 0);
}

static void init_and_sipi_stop_it(void **state)
{
    (void)state;
    paired();
    guest.events.acknowledged[2] = 5;
    apic_post_init(&guest.apic);
    assert_int_equal(event_prepare(&guest), EXIT_STOP);
    assert_int_equal(guest.stop.cause, STOP_INIT);
    assert_int_equal(guest.events.acknowledged[2], 0);
    assert_false(event_begin(&guest)); /* it waits still */
    assert_int_equal(guest.stop.cause, STOP_INIT);
    assert_int_equal(guest.apic.running_on, 0);
    apic_post_startup(&guest.apic, 0x9a);
    assert_false(event_begin(&guest));
    assert_int_equal(guest.stop.cause, STOP_STARTUP_IPI);
    assert_int_equal(guest.stop.value, 0x9a);
    assert_true(event_begin(&guest));
    event_end(&guest);
}

/* A vCPU that has the CPU's own APIC is none of ours to look after. */
static void the_cpus_own_apic(void **state)
{
    (void)state;
    timed();
    local_apic_timer_end(&guest.apic);
    guest.apic.attention |= LOCAL_APIC_HARDWARE;
    unsigned asked = simulated_host.timers;
    assert_true(event_begin(&guest));
    assert_int_equal(event_prepare(&guest), EXIT_RESUME);
    event_end(&guest);
    assert_int_equal(simulated_host.timers, asked);
    halt_with(RFLAGS_IF);
    assert_int_equal(exit_take(EXIT_REASON_HLT, 0), EXIT_STOP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        exit_test(the_timer_wakes),       exit_test(a_wait_without_end_is_told),
        exit_test(nothing_can_wake),      exit_test(single_stepped),
        exit_test(another_vcpu_wakes),    exit_test(posted_before_the_entry),
        exit_test(init_and_sipi_stop_it), exit_test(the_cpus_own_apic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
