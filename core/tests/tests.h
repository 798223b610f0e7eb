/* SPDX-License-Identifier: MIT */
/* What every hosted test of the core includes: cmocka, the simulated CPU, set-up and teardown. */
#ifndef EXITMETER_CORE_TESTS_TESTS_H
#define EXITMETER_CORE_TESTS_TESTS_H

#include "simulated_cpu.h"
#include "simulated_platform.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Base of the TSS that the simulated CPU's TR selects. */
#define SIMULATED_TSS_BASE 0x89abcdef12345678ull

/* For each test: a CPU and a platform as after reset ... */
static inline int simulated_cpu_setup(void **state)
{
    (void)state;
    simulated_platform_reset();
    simulated_cpu_reset();
    return 0;
}

/* ... and afterwards no fault, and no page that is still held. */
static inline int simulated_cpu_teardown(void **state)
{
    (void)state;
    if (simulated_cpu.faults)
        print_error("%u fault(s) of the simulated CPU, the first: %s\n", simulated_cpu.faults,
                    simulated_cpu.first_fault);
    if (simulated_pages_held())
        print_error("%zu allocation(s) not given back\n", simulated_pages_held());
    return simulated_cpu.faults || simulated_pages_held() ? -1 : 0;
}

/* Takes note of a fault that a test provoked on purpose. */
static inline void expect_fault(void)
{
    assert_int_equal(simulated_cpu.faults, 1);
    simulated_cpu.faults = 0;
}

/* The same numbers each time. */
static inline uint64_t random_bits(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    return (uint32_t)(random_bits(state) % limit);
}

#define simulated_test(function) \
    cmocka_unit_test_setup_teardown(function, simulated_cpu_setup, simulated_cpu_teardown)

#endif
