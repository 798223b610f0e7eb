/* SPDX-License-Identifier: MIT */
/*
 * The few figures of a job that go into benchmark.json. Everything else about distributions is
 * analysis/'s.
 */
#ifndef EXITMETER_BENCH_DIGEST_H
#define EXITMETER_BENCH_DIGEST_H

#include "../guests/blob.h"

#include <stddef.h>
#include <stdint.h>

/* Net round trips (op less the control phase's median) in ticks or cycles; signed. */
struct digest {
    int64_t min, p50, p90, p99, max;
    int64_t control; /* median of the control phase, as measured */
    double total;    /* sum of all net samples */
};

/*
 * Nearest-rank percentile of count > 0 ascending values: the smallest value that at least
 * per_mille / 1000 of them do not exceed.
 */
int64_t percentile(const int64_t *sorted, size_t count, unsigned per_mille);

/* Digest of a control and an op phase with at least one sample each. */
void digest_make(const struct sample *control, size_t control_count, const struct sample *op,
                 size_t op_count, struct digest *digest);

#endif
