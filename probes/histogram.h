/* SPDX-License-Identifier: MIT */
/*
 * A log-linear histogram of 64-bit values, in the manner of HdrHistogram: every power of two is cut
 * into HISTOGRAM_LINEAR buckets of equal width. Values below 2 * HISTOGRAM_LINEAR have a bucket
 * each; above, a bucket is at most 1/HISTOGRAM_LINEAR of its lowest value wide. Fixed size, no
 * configuration, so that the image, the harness and the analysis mean the same by a bucket's
 * number.
 */
#ifndef EXITMETER_PROBES_HISTOGRAM_H
#define EXITMETER_PROBES_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_LINEAR_BITS 5u
#define HISTOGRAM_LINEAR      (1u << HISTOGRAM_LINEAR_BITS)
#define HISTOGRAM_BUCKETS     ((65u - HISTOGRAM_LINEAR_BITS) * HISTOGRAM_LINEAR)

/* Zeroed is empty. */
struct histogram {
    uint64_t count;
    uint64_t sum; /* of all values, modulo 2^64 */
    uint64_t min; /* means something once count is not 0 */
    uint64_t max;
    uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* Which bucket a value falls into. */
static inline unsigned histogram_bucket(uint64_t value)
{
    if (value < HISTOGRAM_LINEAR)
        return (unsigned)value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - HISTOGRAM_LINEAR_BITS;
    return shift * HISTOGRAM_LINEAR + (unsigned)(value >> shift);
}

/* The lowest value that falls into a bucket; the highest is one less than the next one's lowest. */
static inline uint64_t histogram_lowest(unsigned bucket)
{
    if (bucket < 2 * HISTOGRAM_LINEAR)
        return bucket;
    unsigned shift = bucket / HISTOGRAM_LINEAR - 1;
    return (uint64_t)(HISTOGRAM_LINEAR + bucket % HISTOGRAM_LINEAR) << shift;
}

static inline void histogram_add(struct histogram *histogram, uint64_t value)
{
    if (!histogram->count || value < histogram->min)
        histogram->min = value;
    if (value > histogram->max)
        histogram->max = value;
    histogram->count++;
    histogram->sum += value;
    histogram->buckets[histogram_bucket(value)]++;
}

#endif
