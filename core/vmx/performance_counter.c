/* SPDX-License-Identifier: MIT */
#include "performance_counter.h"

#include "../x86/instructions.h"
#include "../x86/msr.h"

#define ROUNDS       500u        /* of x86_spin(): two instructions each */
#define PATTERN      0x2aaaaaaau /* a positive number of 32 bits: writes may extend the sign */
#define FIXED_ENABLE 3ull        /* OS and user, no AnyThread, no interrupt */

enum { FIXED_INSTRUCTIONS = 0, FIXED_SLOTS = 3 };

uint32_t performance_selector_msr(unsigned number)
{
    return IA32_PERFEVTSEL0 + number;
}

uint64_t performance_fixed_control(unsigned number)
{
    return FIXED_ENABLE << 4 * (number - PERFORMANCE_FIXED);
}

/* The counter itself, for reading; and its place among what is saved. */
static uint32_t value_msr(unsigned number)
{
    return performance_is_fixed(number) ? IA32_FIXED_CTR0 + number - PERFORMANCE_FIXED
                                        : IA32_PMC0 + number;
}

static unsigned place_of(unsigned number)
{
    return performance_is_fixed(number) ? PERFORMANCE_GENERAL_MAX + number - PERFORMANCE_FIXED
                                        : number;
}

static uint32_t value_msr_to_write(const struct performance *performance, unsigned number)
{
    if (!performance_is_fixed(number) && performance->capability.full_width)
        return IA32_A_PMC0 + number;
    return value_msr(number);
}

static bool has_global(const struct performance *performance)
{
    return performance->capability.version >= 2;
}

/* The first fault is the one that explains the others. */
static bool wrong(struct performance_fault *fault, const char *text, uint32_t msr)
{
    if (!fault->text)
        *fault = (struct performance_fault){text, msr};
    return false;
}

bool performance_read(uint32_t msr, uint64_t *value, struct performance_fault *fault)
{
    uint32_t low, high;

    if (!x86_rdmsr_checked(msr, &low, &high))
        return wrong(fault, "an MSR of the PMU raises #GP when it is read", msr);
    *value = (uint64_t)high << 32 | low;
    return true;
}

static bool put(uint32_t msr, uint64_t value, struct performance_fault *fault)
{
    return x86_wrmsr_checked(msr, (uint32_t)value, (uint32_t)(value >> 32)) ||
           wrong(fault, "an MSR of the PMU raises #GP when it is written", msr);
}

bool performance_write(uint32_t msr, uint64_t value, struct performance_fault *fault)
{
    uint64_t now = 0;

    if (!put(msr, value, fault) || !performance_read(msr, &now, fault))
        return false;
    return now == value || wrong(fault, "an MSR of the PMU does not keep what is written", msr);
}

bool performance_set(const struct performance *performance, unsigned number, uint64_t value,
                     struct performance_fault *fault)
{
    uint32_t msr = value_msr(number);
    uint64_t now = 0;

    if (!put(value_msr_to_write(performance, number), value, fault) ||
        !performance_read(msr, &now, fault))
        return false;
    return now == value || wrong(fault, "the counter does not keep what is written", msr);
}

bool performance_save(struct performance *performance, unsigned number,
                      struct performance_fault *fault)
{
    unsigned place = place_of(number);

    if (!performance_is_fixed(number) &&
        !performance_read(performance_selector_msr(number), &performance->saved[place].selector,
                          fault))
        return false;
    if (!performance_read(value_msr(number), &performance->saved[place].value, fault))
        return false;
    performance->saved_counters |= 1ull << number;
    return true;
}

/* What the counter is made to count for its proof, and how much it then must have counted. */
static uint64_t proof(const struct performance *performance, unsigned number, uint64_t *selector)
{
    uint32_t unavailable = performance->capability.unavailable;

    if (performance_is_fixed(number)) {
        unsigned index = number - PERFORMANCE_FIXED;
        return index == FIXED_INSTRUCTIONS ? 2 * ROUNDS : index <= FIXED_SLOTS;
    }
    *selector = PERFEVTSEL_OS | PERFEVTSEL_USR | 0xc0; /* instructions retired */
    if (!(unavailable & 2))
        return 2 * ROUNDS;
    *selector = PERFEVTSEL_OS | PERFEVTSEL_USR | 0x3c; /* core cycles */
    return !(unavailable & 1);
}

static bool write_switch(unsigned number, uint64_t selector, bool on,
                         struct performance_fault *fault)
{
    uint64_t enable = on ? UINT64_MAX : 0;

    if (performance_is_fixed(number))
        return performance_write(IA32_FIXED_CTR_CTRL, performance_fixed_control(number) & enable,
                                 fault);
    return performance_write(performance_selector_msr(number), selector | (PERFEVTSEL_EN & enable),
                             fault);
}

static bool write_global(const struct performance *performance, uint64_t value,
                         struct performance_fault *fault)
{
    return !has_global(performance) || performance_write(IA32_PERF_GLOBAL_CTRL, value, fault);
}

static bool count_something(const struct performance *performance, unsigned number,
                            struct performance_fault *fault)
{
    uint64_t selector = 0, least = proof(performance, number, &selector), counted;

    if (!write_switch(number, selector, true, fault) ||
        !write_global(performance, 1ull << number, fault))
        return false;
    x86_spin(ROUNDS);
    if (!write_global(performance, 0, fault) || !write_switch(number, selector, false, fault) ||
        !performance_read(value_msr(number), &counted, fault))
        return false;
    return counted >= least ||
           wrong(fault, "the counter does not move when it must", value_msr(number));
}

static bool prove(const struct performance *performance, unsigned number,
                  struct performance_fault *fault)
{
    uint64_t selector = 0, mask;
    uint32_t low, high;

    mask = performance_is_fixed(number) ? performance->capability.fixed_mask
                                        : performance->capability.general_mask;
    proof(performance, number, &selector);
    if (!write_switch(number, selector, false, fault) ||
        !performance_set(performance, number, PATTERN, fault))
        return false;
    if (!x86_rdpmc_checked(performance_rdpmc(number), &low, &high))
        return wrong(fault, "RDPMC of the counter raises #GP", value_msr(number));
    if ((((uint64_t)high << 32 | low) & mask) != PATTERN)
        return wrong(fault, "RDPMC does not read what the counter holds", value_msr(number));
    return performance_set(performance, number, 0, fault) &&
           count_something(performance, number, fault);
}

bool performance_prove(const struct performance *performance, unsigned number,
                       struct performance_fault *fault)
{
    struct performance_fault later = {0};

    if (prove(performance, number, fault))
        return true;
    /* It may have happened in the middle of counting. */
    write_global(performance, 0, &later);
    return false;
}

bool performance_put_back(struct performance *performance, unsigned number,
                          struct performance_fault *fault)
{
    unsigned place = place_of(number);
    bool done = true;

    if (!(performance->saved_counters >> number & 1))
        return true;
    performance->saved_counters &= ~(1ull << number);
    if (!performance_is_fixed(number))
        done &= put(performance_selector_msr(number), 0, fault);
    done &= put(value_msr_to_write(performance, number), performance->saved[place].value, fault);
    if (!performance_is_fixed(number))
        done &= put(performance_selector_msr(number), performance->saved[place].selector, fault);
    return done;
}
