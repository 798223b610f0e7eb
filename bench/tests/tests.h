/* SPDX-License-Identifier: MIT */
/*
 * What every cmocka test here includes, and a small generator of random numbers: the same each
 * time.
 */
#ifndef EXITMETER_BENCH_TESTS_H
#define EXITMETER_BENCH_TESTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline uint32_t random_below(uint64_t *state, uint32_t limit)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)(*state >> 33) % limit;
}

#endif
