/* SPDX-License-Identifier: MIT */
/* The timer in its modes (SDM Vol. 3A 11.5.4), and what it asks of the host's. */
#include "tests.h"

#include "../exits/apic_timer.h"

#define VECTOR   0x41u
#define MASKED   0x10000u
#define PERIODIC 0x20000u
#define DEADLINE 0x40000u
#define BY_1     0xbu
#define SLACK    64u /* ticks: the simulated TSC counts its readings */

static struct local_apic apic;

static void write(uint32_t msr, uint64_t value)
{
    assert_int_not_equal(local_apic_write(&apic, msr, value), LOCAL_APIC_FAULT);
}

static uint64_t read(uint32_t msr)
{
    uint64_t value = 0;
    assert_int_equal(local_apic_read(&apic, msr, &value), LOCAL_APIC_DONE);
    return value;
}

static uint64_t read_deadline(void)
{
    uint64_t value = 1;
    assert_int_equal(local_apic_read_deadline(&apic, &value), LOCAL_APIC_DONE);
    return value;
}

static bool near(uint64_t value, uint64_t wanted)
{
    return value <= wanted && value + SLACK >= wanted;
}

static bool later(uint64_t value, uint64_t wanted)
{
    return near(wanted, value);
}

/* Looks at the timer so many ticks later; whether the interrupt is requested, which it ends. */
static bool expires_after(uint64_t ticks)
{
    simulated_cpu.tsc += ticks;
    local_apic_look_at_timer(&apic);
    int vector = local_apic_waiting(&apic);
    if (vector < 0)
        return false;
    assert_int_equal(vector, VECTOR);
    local_apic_accept(&apic, VECTOR);
    write(0x80b, 0);
    return true;
}

static void start(uint32_t entry, uint32_t divide)
{
    local_apic_reset(&apic, 1);
    write(0x80f, 0x1ff);
    write(0x83e, divide);
    write(0x832, entry);
    local_apic_timer_begin(&apic, true);
}

static void one_shot(void **state)
{
    (void)state;
    start(VECTOR, BY_1);
    assert_int_equal(read(0x839), 0);
    uint64_t at = simulated_cpu.tsc;
    write(0x838, 10000);
    assert_true(later(simulated_host.timer, at + 10000));
    assert_true(near(read(0x839), 10000));
    assert_int_equal(read(0x838), 10000);
    assert_false(expires_after(5000));
    assert_true(near(read(0x839), 5000));
    assert_true(expires_after(5000));
    assert_int_equal(read(0x839), 0);
    assert_int_equal(simulated_host.timer, 0);
    assert_false(expires_after(100000));
    write(0x838, 10000);
    write(0x838, 0); /* stops it */
    assert_int_equal(simulated_host.timer, 0);
    assert_false(expires_after(100000));
}

static void periodic(void **state)
{
    (void)state;
    start(PERIODIC | VECTOR, BY_1);
    uint64_t at = simulated_cpu.tsc;
    write(0x838, 10000);
    for (int i = 1; i < 5; i++) {
        assert_false(expires_after(9000));
        assert_true(expires_after(1000));
        assert_true(later(simulated_host.timer, at + 10000u * (unsigned)(i + 1)));
    }
    assert_true(expires_after(35000)); /* three periods: one interrupt, and no drift */
    assert_true(near(read(0x839), 5000));
    simulated_cpu.tsc += 12000; /* expired, and not looked at yet */
    assert_true(near(read(0x839), 3000));
    write(0x838, 0);
    assert_false(expires_after(100000));
}

/* The period is too short for an exit each time. */
static void a_storm_is_slowed_down(void **state)
{
    (void)state;
    start(PERIODIC | VECTOR, BY_1);
    write(0x838, 1);
    for (int i = 0; i < 100; i++) {
        assert_true(simulated_host.timer >= simulated_cpu.tsc + TIMER_PERIOD_LEAST - SLACK);
        simulated_cpu.tsc = simulated_host.timer;
        assert_true(expires_after(0));
    }
}

static void every_divisor(void **state)
{
    static const uint32_t divisors[16] = {2, 4, 8, 16, 0, 0, 0, 0, 32, 64, 128, 1};
    (void)state;
    for (uint32_t bits = 0; bits < 16; bits++) {
        if (!divisors[bits])
            continue;
        start(VECTOR, bits);
        uint64_t at = simulated_cpu.tsc;
        write(0x838, 1000);
        assert_true(later(simulated_host.timer, at + 1000 * divisors[bits]));
        simulated_cpu.tsc = at + 400 * divisors[bits];
        assert_in_range(read(0x839), 600 - SLACK, 600);
        write(0x83e, BY_1); /* what is left goes on at the new rate */
        assert_in_range(simulated_host.timer, simulated_cpu.tsc + 600 - 2 * SLACK,
                        simulated_cpu.tsc + 600);
    }
}

static void largest_count(void **state)
{
    (void)state;
    start(VECTOR, 0xa); /* by 128 */
    uint64_t at = simulated_cpu.tsc;
    write(0x838, UINT32_MAX);
    assert_true(later(simulated_host.timer, at + 128ull * UINT32_MAX));
    assert_true(near(read(0x839), UINT32_MAX));
}

static void masked_counts_but_does_not_interrupt(void **state)
{
    (void)state;
    start(MASKED | VECTOR, BY_1);
    write(0x838, 10000);
    assert_int_equal(simulated_host.timer, 0);
    assert_true(near(read(0x839), 10000));
    simulated_cpu.tsc += 20000;
    write(0x832, VECTOR); /* what has expired before has been masked */
    assert_false(expires_after(0));
    write(0x838, 10000);
    write(0x832, MASKED | VECTOR);
    assert_int_equal(simulated_host.timer, 0);
    write(0x832, VECTOR);
    assert_int_not_equal(simulated_host.timer, 0);
    assert_true(expires_after(10000));
    write(0x838, 10000);
    write(0x80f, 0xff); /* disabled by software: masked */
    assert_int_equal(simulated_host.timer, 0);
    assert_false(expires_after(20000));
}

static void deadline(void **state)
{
    (void)state;
    start(DEADLINE | VECTOR, BY_1);
    uint64_t at = simulated_cpu.tsc + 10000;
    assert_int_equal(local_apic_write_deadline(&apic, at), LOCAL_APIC_DONE);
    assert_int_equal(simulated_host.timer, at);
    assert_int_equal(read_deadline(), at);
    assert_int_equal(read(0x839), 0);
    write(0x838, 500); /* ignored */
    assert_int_equal(read(0x838), 0);
    assert_int_equal(simulated_host.timer, at);
    simulated_cpu.tsc = at;
    assert_int_equal(read_deadline(), 0);
    assert_true(expires_after(0));
    assert_int_equal(read_deadline(), 0);
    assert_int_equal(local_apic_write_deadline(&apic, 5), LOCAL_APIC_EVENTS); /* has passed */
    assert_true(expires_after(0));
    assert_int_equal(local_apic_write_deadline(&apic, UINT64_MAX), LOCAL_APIC_DONE);
    assert_int_equal(local_apic_write_deadline(&apic, 0), LOCAL_APIC_DONE);
    assert_int_equal(simulated_host.timer, 0);
    assert_int_equal(read_deadline(), 0);
}

static void other_modes_ignore_the_deadline(void **state)
{
    static const uint32_t modes[] = {0, PERIODIC, PERIODIC | DEADLINE};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        start(modes[i] | VECTOR, BY_1);
        assert_int_equal(local_apic_write_deadline(&apic, simulated_cpu.tsc + 1000),
                         LOCAL_APIC_DONE);
        assert_int_equal(read_deadline(), 0);
        assert_false(expires_after(2000));
    }
    write(0x838, 1000); /* the reserved mode does nothing at all */
    assert_int_equal(read(0x838), 0);
    assert_false(expires_after(2000));
}

static void without_the_mode(void **state)
{
    uint64_t value;
    (void)state;
    simulated_leaf(1, 0)->ecx &= ~CPUID_1_ECX_TSC_DEADLINE;
    start(VECTOR, BY_1);
    assert_int_equal(local_apic_read_deadline(&apic, &value), LOCAL_APIC_FAULT);
    assert_int_equal(local_apic_write_deadline(&apic, 0), LOCAL_APIC_FAULT);
    assert_int_equal(local_apic_write(&apic, 0x832, DEADLINE | VECTOR), LOCAL_APIC_FAULT);
}

static void switching_the_mode(void **state)
{
    (void)state;
    start(VECTOR, BY_1);
    write(0x838, 10000);
    write(0x832, PERIODIC | VECTOR); /* goes on */
    assert_true(expires_after(10000));
    assert_true(expires_after(10000));
    write(0x832, DEADLINE | VECTOR); /* disarmed */
    assert_false(expires_after(20000));
    assert_int_equal(read_deadline(), 0);
    local_apic_write_deadline(&apic, simulated_cpu.tsc + 10000);
    write(0x832, VECTOR);
    assert_false(expires_after(20000));
    assert_int_equal(simulated_host.timer, 0);
}

static void the_host_is_asked_while_it_runs(void **state)
{
    (void)state;
    start(DEADLINE | VECTOR, BY_1);
    assert_false(local_apic_timer_will_wake(&apic));
    uint64_t at = simulated_cpu.tsc + 10000;
    local_apic_write_deadline(&apic, at);
    assert_true(local_apic_timer_will_wake(&apic));
    local_apic_timer_end(&apic);
    assert_int_equal(simulated_host.timer, 0);
    assert_false(local_apic_timer_will_wake(&apic));
    local_apic_timer_begin(&apic, true);
    assert_int_equal(simulated_host.timer, at);
    local_apic_timer_end(&apic);
    simulated_cpu.tsc = at + 1; /* meanwhile */
    local_apic_timer_begin(&apic, true);
    assert_int_equal(local_apic_waiting(&apic), VECTOR);
    assert_int_equal(simulated_host.timer, 0);
    local_apic_timer_end(&apic);
    unsigned asked = simulated_host.timers;
    local_apic_timer_begin(&apic, false); /* external interrupts do not exit */
    local_apic_write_deadline(&apic, at + 100000);
    local_apic_timer_end(&apic);
    assert_int_equal(simulated_host.timers, asked);
}

static void the_guests_tsc(void **state)
{
    (void)state;
    start(DEADLINE | VECTOR, BY_1);
    apic.tsc_offset = 1000000;
    uint64_t at = simulated_cpu.tsc + 1000000 + 5000;
    assert_int_equal(local_apic_write_deadline(&apic, at), LOCAL_APIC_DONE);
    assert_int_equal(simulated_host.timer, at - 1000000);
    assert_int_equal(read_deadline(), at);
    assert_false(expires_after(4000));
    assert_true(expires_after(1000));
}

/* An illegal vector is an error of its own, and no interrupt. */
static void illegal_vector(void **state)
{
    (void)state;
    start(5, BY_1);
    write(0x838, 100);
    assert_false(expires_after(200));
    write(0x828, 0);
    assert_int_equal(read(0x828), 0x40);
    write(0x837, VECTOR); /* the error interrupt */
    write(0x838, 100);
    assert_true(expires_after(200));
    write(0x837, 7); /* which may be illegal as well */
    write(0x828, 0);
    write(0x838, 100);
    assert_false(expires_after(200));
    write(0x828, 0);
    assert_int_equal(read(0x828), 0x40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(one_shot),
        simulated_test(periodic),
        simulated_test(a_storm_is_slowed_down),
        simulated_test(every_divisor),
        simulated_test(largest_count),
        simulated_test(masked_counts_but_does_not_interrupt),
        simulated_test(deadline),
        simulated_test(other_modes_ignore_the_deadline),
        simulated_test(without_the_mode),
        simulated_test(switching_the_mode),
        simulated_test(the_host_is_asked_while_it_runs),
        simulated_test(the_guests_tsc),
        simulated_test(illegal_vector),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
