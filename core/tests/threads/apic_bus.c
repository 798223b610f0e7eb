/* SPDX-License-Identifier: MIT */
/*
 * vCPUs on threads of their own, under ThreadSanitizer: two play ball with an interrupt, of which
 * one that gets lost ends the game. In its second half the others throw NMIs and interrupts at
 * both; their kicks would hide what is lost, so the first is without. A guest that "runs" does so
 * in HLT: only a kick ends it, as on a CPU.
 */
#include "../../exits/apic_bus.h"
#include "../../exits/apic_timer.h"
#include "../../x86/cpuid.h"
#include "../simulated_cpu.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CPUS     4u
#define PLAYERS  2u
#define ROUNDS   20000u
#define BALL     0x61u
#define NOISE    0x51u
#define PATIENCE 120u /* seconds */

static struct cpu {
    pthread_mutex_t mutex;
    pthread_cond_t kicked;
    bool kick; /* an interrupt that is pending in the CPU's own APIC */
    struct local_apic apic;
    unsigned balls, nmis, noises;
} cpus[CPUS];

static struct apic_bus bus;
static _Thread_local uint32_t number;
static bool noisy, over;

static void require(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "threads_apic_bus: %s\n", what);
    exit(1);
}

struct cpuid_registers x86_cpuid(uint32_t leaf, uint32_t subleaf)
{
    (void)subleaf;
    return (struct cpuid_registers){.ecx = leaf == 1 ? CPUID_1_ECX_X2APIC : 0};
}

uint64_t x86_rdtsc(void)
{
    return 0;
}

void platform_timer(uint64_t tsc)
{
    (void)tsc;
}

uint32_t platform_cpu_number(void)
{
    return number;
}

void platform_kick(uint32_t cpu)
{
    pthread_mutex_lock(&cpus[cpu].mutex);
    cpus[cpu].kick = true;
    pthread_cond_signal(&cpus[cpu].kicked);
    pthread_mutex_unlock(&cpus[cpu].mutex);
}

/* The guest runs, halted, until an interrupt makes it exit. */
static void guest_runs(struct cpu *cpu)
{
    pthread_mutex_lock(&cpu->mutex);
    while (!cpu->kick)
        pthread_cond_wait(&cpu->kicked, &cpu->mutex);
    cpu->kick = false;
    pthread_mutex_unlock(&cpu->mutex);
}

static void send(struct cpu *from, uint32_t to, uint32_t command)
{
    require(local_apic_write(&from->apic, 0x830, (uint64_t)to << 32 | command) != LOCAL_APIC_FAULT,
            "ICR refused");
}

/* As event_prepare() does; whether anything came. */
static bool collect(struct cpu *cpu, bool *ball)
{
    struct apic_signals signals = apic_bus_collect(&cpu->apic);
    int vector;
    bool any = signals.nmi;

    require(!signals.init && !signals.startup, "INIT or SIPI that nobody sent");
    cpu->nmis += signals.nmi;
    while ((vector = local_apic_waiting(&cpu->apic)) >= 0) {
        require(vector == BALL || vector == NOISE, "vector that nobody sent");
        local_apic_accept(&cpu->apic, (uint8_t)vector);
        require(local_apic_write(&cpu->apic, 0x80b, 0) != LOCAL_APIC_FAULT, "EOI refused");
        if (vector == BALL)
            *ball = true;
        else
            cpu->noises++;
        any = true;
    }
    return any;
}

/* Gets the ball and gives it back; leaves its CPU, as vcpu_run() may, now and then. */
static void *player(void *argument)
{
    struct cpu *cpu = argument;
    bool first = (number = (uint32_t)(cpu - cpus)) == 0, ball = first;

    while (cpu->balls < ROUNDS) {
        apic_bus_begin(&cpu->apic, number);
        for (unsigned entries = 0; entries < cpu->balls % 7 + 1 && cpu->balls < ROUNDS; entries++) {
            collect(cpu, &ball);
            if (ball) {
                if (++cpu->balls == ROUNDS / 2)
                    __atomic_store_n(&noisy, true, __ATOMIC_RELAXED);
                ball = false;
                send(cpu, 1 - number, BALL);
            } else {
                guest_runs(cpu);
            }
        }
        apic_bus_end(&cpu->apic);
    }
    return NULL;
}

static void *thrower(void *argument)
{
    struct cpu *cpu = argument;

    number = (uint32_t)(cpu - cpus);
    for (uint32_t i = 0; !__atomic_load_n(&over, __ATOMIC_RELAXED); i++)
        if (__atomic_load_n(&noisy, __ATOMIC_RELAXED))
            send(cpu, i % PLAYERS, i % 3 ? NOISE : 4u << 8);
        else
            usleep(100);
    return NULL;
}

int main(void)
{
    pthread_t threads[CPUS];

    alarm(PATIENCE); /* the ball got lost */
    for (uint32_t i = 0; i < CPUS; i++) {
        pthread_mutex_init(&cpus[i].mutex, NULL);
        pthread_cond_init(&cpus[i].kicked, NULL);
        local_apic_reset(&cpus[i].apic, i);
        require(apic_bus_add(&bus, &cpus[i].apic), "not added");
        cpus[i].apic.signals = 0;
        local_apic_write(&cpus[i].apic, 0x80f, 0x1ff);
    }
    for (uint32_t i = 0; i < CPUS; i++)
        pthread_create(&threads[i], NULL, i < PLAYERS ? player : thrower, &cpus[i]);
    for (uint32_t i = 0; i < PLAYERS; i++)
        pthread_join(threads[i], NULL);
    __atomic_store_n(&over, true, __ATOMIC_RELAXED);
    for (uint32_t i = PLAYERS; i < CPUS; i++)
        pthread_join(threads[i], NULL);
    require(cpus[0].balls == ROUNDS && cpus[1].balls == ROUNDS, "a ball too many");
    require(cpus[0].nmis && cpus[1].noises, "nothing was thrown");
    return 0;
}
