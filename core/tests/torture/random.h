/* SPDX-License-Identifier: MIT */
/*
 * Random numbers that are the same every time: each guest's come from the seed and its own number
 * alone, so that any one of them can be had again by itself.
 */
#ifndef EXITMETER_CORE_TESTS_TORTURE_RANDOM_H
#define EXITMETER_CORE_TESTS_TORTURE_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

/* SplitMix64: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators". */
struct random {
    uint64_t state;
};

static inline uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline struct random random_of(uint64_t seed, uint64_t number)
{
    struct random random = {seed};

    random.state = random_next(&random) ^ number;
    random.state = random_next(&random);
    return random;
}

/* 0 to below - 1; below is not 0. */
static inline uint32_t random_below(struct random *random, uint32_t below)
{
    return (uint32_t)((random_next(random) >> 32) * below >> 32);
}

/* True once in so many times. */
static inline bool random_once_in(struct random *random, uint32_t times)
{
    return random_below(random, times) == 0;
}

/* A value of the kind that finds mistakes: a few bits, an edge, a sign extension, or anything. */
static inline uint64_t random_value(struct random *random)
{
    uint64_t any = random_next(random);

    switch (random_below(random, 8)) {
    case 0:
        return 0;
    case 1:
        return 1ull << (any & 63);
    case 2:
        return (1ull << (any & 63)) - 1;
    case 3:
        return ~(1ull << (any & 63));
    case 4:
        return (uint64_t)((int64_t)any >> (any >> 8 & 63)); /* canonical more often than not */
    case 5:
        return any & 0xffff;
    case 6:
        return any & 0xffffffff;
    default:
        return any;
    }
}

#endif
