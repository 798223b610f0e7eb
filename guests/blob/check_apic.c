/* SPDX-License-Identifier: MIT */
/*
 * The local APIC's timer, its interrupts to oneself by the forms of the ICR that Bochs knows too,
 * and its errors. The APIC is the CPU's own under one policy, the core's under the other, and the
 * CPU's virtualization of the core's under more; nothing here can tell which.
 */
#include "interrupt.h"

#define LVT_MASKED               (1ull << 16)
#define LVT_PERIODIC             (1ull << 17)
#define LVT_DEADLINE             (2ull << 17)
#define DIVIDE_BY_1              0xbull
#define DIVIDE_BY_16             0x3ull
#define CPUID_1_ECX_TSC_DEADLINE (1u << 24)

#define SOON     20000ull /* counts, or ticks of the TSC */
#define FAR      0x7fffffffull
#define PATIENCE 2000000ull /* ticks of the TSC after which nothing comes any more */

static uint64_t now(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* Interrupts let in, until so many have come or patience has ended. */
static void wait_for(uint32_t wanted, uint64_t patience)
{
    uint64_t start = now();
    __asm__ volatile("sti" : : : "memory");
    while (count < wanted && now() - start < patience)
        __asm__ volatile("pause");
    __asm__ volatile("cli" : : : "memory");
}

static void timer_one_shot(void)
{
    count = 0;
    write(X2APIC_DIVIDE, DIVIDE_BY_1);
    write(X2APIC_LVT_TIMER, LOW_VECTOR);
    write(X2APIC_INITIAL_COUNT, SOON);
    uint64_t first = read(X2APIC_CURRENT_COUNT);
    uint64_t second = read(X2APIC_CURRENT_COUNT);
    EXPECT(read(X2APIC_INITIAL_COUNT) == SOON);
    EXPECT(first <= SOON && second < first && second > 0);
    wait_for(1, PATIENCE);
    EXPECT(count == 1 && taken[0] == LOW_VECTOR);
    EXPECT(read(X2APIC_CURRENT_COUNT) == 0);
    wait_for(2, 4 * SOON);
    EXPECT(count == 1);
}

static void timer_periodic(void)
{
    count = 0;
    write(X2APIC_LVT_TIMER, LVT_PERIODIC | LOW_VECTOR);
    write(X2APIC_INITIAL_COUNT, SOON);
    wait_for(3, PATIENCE);
    EXPECT(count == 3);
    EXPECT(read(X2APIC_CURRENT_COUNT) > 0);
    write(X2APIC_INITIAL_COUNT, 0);
    wait_for(4, 4 * SOON);
    EXPECT(count == 3);
}

static void timer_masked(void)
{
    count = 0;
    write(X2APIC_LVT_TIMER, LVT_MASKED | LOW_VECTOR);
    write(X2APIC_INITIAL_COUNT, SOON);
    wait_for(1, 4 * SOON);
    EXPECT(count == 0 && read(X2APIC_CURRENT_COUNT) == 0);
    write(X2APIC_LVT_TIMER, LOW_VECTOR);
    wait_for(1, 4 * SOON);
    EXPECT(count == 0);
}

/* As many counts take longer when each is 16. */
static void timer_divided(void)
{
    write(X2APIC_LVT_TIMER, LVT_MASKED | LOW_VECTOR);
    write(X2APIC_DIVIDE, DIVIDE_BY_1);
    write(X2APIC_INITIAL_COUNT, FAR);
    uint64_t start = now(), left = read(X2APIC_CURRENT_COUNT);
    while (now() - start < 3200)
        ;
    uint64_t passed = left - read(X2APIC_CURRENT_COUNT);
    write(X2APIC_INITIAL_COUNT, 0);
    write(X2APIC_DIVIDE, DIVIDE_BY_16);
    write(X2APIC_INITIAL_COUNT, FAR);
    start = now(), left = read(X2APIC_CURRENT_COUNT);
    while (now() - start < 3200)
        ;
    uint64_t divided = left - read(X2APIC_CURRENT_COUNT);
    EXPECT(divided >= passed / 20 && divided <= passed / 12 + 1);
    write(X2APIC_INITIAL_COUNT, 0);
    write(X2APIC_DIVIDE, DIVIDE_BY_1);
}

static void timer_deadline(void)
{
    if (!cpu_has(CPUID_1_ECX_TSC_DEADLINE))
        return;
    count = 0;
    EXPECT(try_wrmsr(IA32_TSC_DEADLINE, now() + SOON)); /* in one-shot mode: ignored */
    EXPECT(read(IA32_TSC_DEADLINE) == 0);
    write(X2APIC_LVT_TIMER, LVT_DEADLINE | LOW_VECTOR);
    wait_for(1, 4 * SOON);
    EXPECT(count == 0);
    uint64_t deadline = now() + SOON;
    write(IA32_TSC_DEADLINE, deadline);
    EXPECT(read(IA32_TSC_DEADLINE) == deadline);
    EXPECT(read(X2APIC_CURRENT_COUNT) == 0);
    wait_for(1, PATIENCE);
    EXPECT(count == 1 && now() >= deadline);
    write(IA32_TSC_DEADLINE, now() + SOON);
    write(IA32_TSC_DEADLINE, 0); /* disarms */
    wait_for(2, 4 * SOON);
    EXPECT(count == 1);
    write(IA32_TSC_DEADLINE, now() - 1); /* passed: at once */
    wait_for(2, SOON);
    EXPECT(count == 2);
    write(IA32_TSC_DEADLINE, now() + SOON);
    write(X2APIC_LVT_TIMER, LOW_VECTOR); /* another mode disarms */
    EXPECT(read(IA32_TSC_DEADLINE) == 0);
    wait_for(3, 4 * SOON);
    EXPECT(count == 2);
}

static void timer_wakes_from_hlt(void)
{
    for (uint32_t i = 0; i < 3; i++) {
        count = 0;
        write(X2APIC_LVT_TIMER, HIGH_VECTOR);
        write(X2APIC_INITIAL_COUNT, SOON);
        uint64_t start = now();
        __asm__ volatile("sti; hlt; cli" : : : "memory");
        EXPECT(count == 1 && taken[0] == HIGH_VECTOR && now() - start > SOON / 2);
    }
}

static void check_apic_timer(struct sample *samples, uint64_t samples_count)
{
    struct table_register old;

    (void)samples;
    (void)samples_count;
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
    timer_one_shot();
    timer_periodic();
    timer_masked();
    timer_divided();
    timer_deadline();
    timer_wakes_from_hlt();
    write(X2APIC_LVT_TIMER, LVT_MASKED);
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

#define ICR_ALL       (2ull << 18)
#define ICR_OTHERS    (3ull << 18)
#define ICR_BROADCAST (0xffffffffull << 32)

static uint32_t takes(uint32_t msr, uint64_t value)
{
    count = 0;
    write(msr, value);
    open_and_close();
    return count;
}

static void check_apic_commands(struct sample *samples, uint64_t samples_count)
{
    struct table_register old;

    (void)samples;
    (void)samples_count;
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
    uint64_t id = read(X2APIC_ID) << 32;
    EXPECT(cpuid(1, 0).ebx >> 24 == (id >> 32 & 0xff));
    EXPECT(takes(X2APIC_SELF_IPI, LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, ICR_SELF | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, ICR_ALL | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, ICR_OTHERS | LOW_VECTOR) == 0);
    EXPECT(takes(X2APIC_ICR, id | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, ICR_BROADCAST | LOW_VECTOR) == 1);
    EXPECT(takes(X2APIC_ICR, (id + (5ull << 32)) | LOW_VECTOR) == 0);
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

#define ESR_ILLEGAL_VECTOR (3ull << 5) /* sent or received: models differ in which they say */

static void check_apic_errors(struct sample *samples, uint64_t samples_count)
{
    struct table_register old;

    (void)samples;
    (void)samples_count;
    load_idt(&old);
    write(X2APIC_SVR, SVR_ENABLED);
    write(X2APIC_TPR, 0);
    write(X2APIC_ESR, 0);
    write(X2APIC_ESR, 0);
    EXPECT(read(X2APIC_ESR) == 0);
    EXPECT(takes(X2APIC_ICR, ICR_SELF | 5) == 0);
    write(X2APIC_ESR, 0);
    EXPECT(read(X2APIC_ESR) & ESR_ILLEGAL_VECTOR && !(read(X2APIC_ESR) & ~ESR_ILLEGAL_VECTOR));
    write(X2APIC_ESR, 0);
    EXPECT(read(X2APIC_ESR) == 0);
    EXPECT_EXCEPTION(VECTOR_GP, try_wrmsr(X2APIC_ESR, 1));
    write(X2APIC_SVR, SVR_DISABLED);
    __asm__ volatile("lidt %0" : : "m"(old));
}

ROWS = {
    {
        .name = "check/apic_timer",
        CHECK(check_apic_timer),
        .description = "the APIC's timer in its three modes, masked, divided, waking from HLT",
        .instruction = "WRMSR, RDMSR, HLT",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_commands",
        CHECK(check_apic_commands),
        .description = "interrupts to oneself by the forms of the ICR that Bochs knows too",
        .instruction = "WRMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
    {
        .name = "check/apic_errors",
        CHECK(check_apic_errors),
        .description = "illegal vectors are in the ESR, once it has been written",
        .instruction = "WRMSR, RDMSR",
        .requires = ROW_REQUIRES_X2APIC,
    },
};
