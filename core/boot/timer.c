/* SPDX-License-Identifier: MIT */
#include "timer.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "apic.h"

#define TIMER_MASKED   (1u << 16)
#define TIMER_DEADLINE (2u << 17)
#define DIVIDE_BY_1    0xbu
#define MEASURED_TICKS 100000u /* of the TSC */
#define FRACTION_BITS  32

static struct timer {
    bool running;
    uint64_t guests, hosts; /* TSC of the next interrupt each has asked for; 0: none */
    uint64_t every;         /* of the host's */
    uint64_t rate;          /* counts a tick of the TSC, as a fraction of 2^32; 0: TSC-deadline */
} timers[PLATFORM_CPUS_MAX];

static struct timer *mine(void)
{
    return &timers[platform_cpu_number()];
}

static bool has_deadline_mode(void)
{
    return x86_cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE;
}

static uint64_t measure(void)
{
    apic_write(APIC_REGISTER_TIMER, TIMER_MASKED | TIMER_VECTOR);
    apic_write(APIC_REGISTER_INITIAL_COUNT, UINT32_MAX);
    uint64_t start = x86_rdtsc(), passed;
    do
        passed = x86_rdtsc() - start;
    while (passed < MEASURED_TICKS);
    uint64_t counted = UINT32_MAX - apic_read(APIC_REGISTER_CURRENT_COUNT);
    apic_write(APIC_REGISTER_INITIAL_COUNT, 0);
    uint64_t rate = (counted << FRACTION_BITS) / passed;
    return rate ? rate : 1;
}

/* Rounded up, so that the interrupt is not early; what a count cannot hold comes in parts. */
static uint32_t count_of(const struct timer *timer, uint64_t ticks)
{
    if (ticks >> FRACTION_BITS)
        return UINT32_MAX;
    uint64_t count = (uint64_t)((unsigned __int128)ticks * timer->rate >> FRACTION_BITS) + 1;
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static void program(struct timer *timer)
{
    uint64_t next = timer->guests, now;

    if (!timer->running)
        return;
    if (timer->hosts && (!next || timer->hosts < next))
        next = timer->hosts;
    if (!timer->rate) {
        x86_wrmsr(IA32_TSC_DEADLINE, next);
        return;
    }
    now = x86_rdtsc();
    apic_write(APIC_REGISTER_INITIAL_COUNT,
               next ? count_of(timer, next > now ? next - now : 0) : 0);
}

void timer_start(void)
{
    struct timer *timer = mine();

    apic_write(APIC_REGISTER_DIVIDE, DIVIDE_BY_1);
    if (!has_deadline_mode() && !timer->rate)
        timer->rate = measure();
    apic_write(APIC_REGISTER_TIMER, TIMER_VECTOR | (timer->rate ? 0 : TIMER_DEADLINE));
    /* In memory before the MSR (SDM Vol. 3A 11.5.4.1); the xAPIC's register is memory. */
    __asm__ volatile("mfence" : : : "memory");
    timer->running = true;
    program(timer);
}

void timer_stop(void)
{
    struct timer *timer = mine();

    timer->guests = 0;
    timer->running = false;
    apic_write(APIC_REGISTER_TIMER, TIMER_MASKED); /* its mode with it: that disarms a deadline */
    apic_write(APIC_REGISTER_INITIAL_COUNT, 0);
}

void timer_every(uint64_t ticks)
{
    struct timer *timer = mine();

    timer->every = ticks;
    timer->hosts = ticks ? x86_rdtsc() + ticks : 0;
    program(timer);
}

void platform_timer(uint64_t tsc)
{
    struct timer *timer = mine();

    timer->guests = tsc;
    program(timer);
}

void timer_interrupt(void)
{
    struct timer *timer = mine();
    uint64_t now = x86_rdtsc();

    if (!timer->running)
        return;
    if (timer->guests <= now)
        timer->guests = 0;
    if (timer->hosts && timer->hosts <= now)
        timer->hosts += ((now - timer->hosts) / timer->every + 1) * timer->every;
    program(timer);
}
