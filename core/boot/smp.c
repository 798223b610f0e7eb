/* SPDX-License-Identifier: MIT */
#include "smp.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "apic.h"
#include "cpu.h"
#include "delay.h"
#include "interrupt.h"
#include "madt.h"

#include <string.h>

#define STACK_SIZE      16384u
#define LOW_LIMIT       0xa0000ull /* pages 0xa0 and up are no start-up vectors */
#define INIT_DELAY      10000u     /* microseconds */
#define STARTUP_DELAY   200u
#define ARRIVAL_STEP    1000u
#define ARRIVAL_STEPS   100u
#define BROADCAST_STEPS 20u
#define TOO_LATE        (1u << 31) /* the number of those who come from now on */

/* A CPU that smp_start() has memory for; number 0 has none. */
struct processor {
    char stack[STACK_SIZE] __attribute__((aligned(16)));
    struct cpu cpu;
    bool ready;             /* it has come to its idle loop */
    smp_function *function; /* NULL: no work */
    void *argument;
    uint32_t waiter; /* whom to kick after it */
};

#define PROCESSOR_PAGES ((sizeof(struct processor) + PAGE_SIZE - 1) / PAGE_SIZE)

static struct processor *processors[PLATFORM_CPUS_MAX];
static uint32_t count = 1;
static uint32_t boot_apic_id;

/* What trampoline.S gives a CPU that comes: the next number, if it is below the limit, and a stack.
 */
uint32_t smp_arrived = 1, smp_limit;
uint64_t smp_stacks[PLATFORM_CPUS_MAX];
extern const char smp_trampoline[], smp_trampoline_end[];
_Noreturn void smp_serve(uint32_t number);

/* Interrupts are off before and after; one that is pending already ends the HLT at once. */
static void wait_for_interrupt(void)
{
    __asm__ volatile("sti; hlt; cli" : : : "memory");
}

void platform_kick(uint32_t cpu)
{
    if (cpu < count)
        apic_command(cpu ? processors[cpu]->cpu.apic_id : boot_apic_id,
                     APIC_COMMAND_ASSERT | KICK_VECTOR);
}

/* Where another CPU ends up, from trampoline.S, on its own stack. */
_Noreturn void smp_serve(uint32_t number)
{
    struct processor *self = processors[number];

    self->cpu.number = number;
    cpu_start_other(&self->cpu);
    __atomic_store_n(&self->ready, true, __ATOMIC_RELEASE);
    for (;;) {
        smp_function *function = __atomic_load_n(&self->function, __ATOMIC_ACQUIRE);
        if (!function) {
            wait_for_interrupt();
            continue;
        }
        function(self->argument);
        /* In this order, and smp_wait() the other way round: nobody waits for a kick in vain. */
        __atomic_store_n(&self->function, NULL, __ATOMIC_SEQ_CST);
        platform_kick(__atomic_load_n(&self->waiter, __ATOMIC_SEQ_CST));
    }
}

void smp_call(uint32_t cpu, smp_function *function, void *argument)
{
    if (cpu == platform_cpu_number()) {
        function(argument);
        return;
    }
    smp_wait(cpu);
    processors[cpu]->argument = argument;
    __atomic_store_n(&processors[cpu]->function, function, __ATOMIC_RELEASE);
    platform_kick(cpu);
}

void smp_wait(uint32_t cpu)
{
    if (cpu == platform_cpu_number() || !processors[cpu])
        return;
    __atomic_store_n(&processors[cpu]->waiter, platform_cpu_number(), __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&processors[cpu]->function, __ATOMIC_SEQ_CST))
        wait_for_interrupt();
}

static bool is_taken(const struct boot_information *information, uint64_t page)
{
    if (page < information->self.end && information->self.start < page + PAGE_SIZE)
        return true;
    for (size_t i = 0; i < information->module_count; i++)
        if (page < information->modules[i].range.end &&
            information->modules[i].range.start < page + PAGE_SIZE)
            return true;
    return false;
}

/* The highest page that a start-up vector can name and nobody uses; 0 if there is none. */
static uint64_t low_page(const struct boot_information *information)
{
    for (uint64_t page = LOW_LIMIT - PAGE_SIZE; page; page -= PAGE_SIZE)
        for (size_t i = 0; i < information->usable_count; i++)
            if (information->usable[i].start <= page &&
                page + PAGE_SIZE <= information->usable[i].end && !is_taken(information, page))
                return page;
    return 0;
}

/* To each that the MADT lists but this one, or to all others if it lists none. */
static void send(const uint32_t *ids, uint32_t id_count, uint32_t command)
{
    command |= APIC_COMMAND_ASSERT;
    if (!id_count)
        apic_command(0, command | APIC_COMMAND_OTHERS);
    for (uint32_t i = 0; i < id_count; i++)
        apic_command(ids[i], command);
}

static uint32_t arrived(void)
{
    return __atomic_load_n(&smp_arrived, __ATOMIC_ACQUIRE);
}

/* INIT, then twice the start-up interrupt, which a CPU that runs already ignores. */
static void wake(const uint32_t *ids, uint32_t id_count, uint64_t page)
{
    const uint32_t startup = APIC_COMMAND_STARTUP | (uint32_t)(page / PAGE_SIZE);

    send(ids, id_count, APIC_COMMAND_INIT);
    delay_microseconds(INIT_DELAY);
    for (int i = 0; i < 2; i++) {
        send(ids, id_count, startup);
        delay_microseconds(STARTUP_DELAY);
    }
    /* Whom a broadcast reaches nobody knows, so then the time must do. */
    uint32_t steps = id_count ? ARRIVAL_STEPS : BROADCAST_STEPS;
    for (uint32_t i = 0; i < steps && !(id_count && arrived() > id_count); i++)
        delay_microseconds(ARRIVAL_STEP);
}

/* Memory for the numbers below limit; the first number that has none. */
static uint32_t furnish(uint32_t limit)
{
    for (uint32_t i = 1; i < limit; i++) {
        processors[i] = platform_pages_allocate(PROCESSOR_PAGES, PAGE_SIZE);
        if (!processors[i])
            return i;
        smp_stacks[i] = (uintptr_t)processors[i]->stack + STACK_SIZE;
    }
    return limit;
}

/* This CPU's own id taken out; at most that many. */
static uint32_t others(const struct boot_information *information, uint32_t *ids, uint32_t most)
{
    uint32_t listed = madt_apic_ids(information, ids, PLATFORM_CPUS_MAX), kept = 0;

    for (uint32_t i = 0; i < listed; i++)
        if (ids[i] != boot_apic_id && kept < most)
            ids[kept++] = ids[i];
    return kept;
}

static void run_trampoline(const uint32_t *ids, uint32_t id_count, uint64_t page)
{
    const size_t size = (size_t)(smp_trampoline_end - smp_trampoline);
    static char before[256];

    memcpy(before, platform_at(page), size);
    memcpy(platform_at(page), smp_trampoline, size);
    wake(ids, id_count, page);
    memcpy(platform_at(page), before, size);
}

uint32_t smp_start(const struct boot_information *information, uint32_t most)
{
    uint32_t ids[PLATFORM_CPUS_MAX];
    uint64_t page = low_page(information);

    boot_apic_id = cpu_this()->apic_id;
    if (most > PLATFORM_CPUS_MAX)
        most = PLATFORM_CPUS_MAX;
    uint32_t listed = madt_apic_ids(information, ids, PLATFORM_CPUS_MAX);
    uint32_t id_count = most ? others(information, ids, most - 1) : 0;
    if (most < 2 || !page || (listed && !id_count))
        return 1;
    uint32_t limit = furnish(id_count ? id_count + 1 : most);
    interrupt_expect_kicks();
    __atomic_store_n(&smp_limit, limit, __ATOMIC_RELEASE);
    run_trampoline(ids, id_count < limit ? id_count : limit - 1, page);

    uint32_t came = __atomic_exchange_n(&smp_arrived, TOO_LATE, __ATOMIC_ACQ_REL);
    count = came < limit ? came : limit;
    for (uint32_t i = 1; i < count; i++)
        while (!__atomic_load_n(&processors[i]->ready, __ATOMIC_ACQUIRE))
            __builtin_ia32_pause();
    for (uint32_t i = count; i < limit; i++) {
        platform_pages_free(processors[i], PROCESSOR_PAGES);
        processors[i] = NULL;
    }
    return count;
}
