/* SPDX-License-Identifier: MIT */
#include "digest.h"

#include "text.h"

#include <stdlib.h>

int64_t percentile(const int64_t *sorted, size_t count, unsigned per_mille)
{
    size_t rank = (count * per_mille + 999) / 1000;
    return sorted[rank > 0 ? rank - 1 : 0];
}

static int ascending(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

/* Differences of the samples less `less`, ascending; free() them. */
static int64_t *differences(const struct sample *samples, size_t count, int64_t less)
{
    int64_t *values = zeroed(count, sizeof(*values));
    for (size_t i = 0; i < count; i++) /* unsigned first: a sample may be nonsense */
        values[i] = (int64_t)(samples[i].end - samples[i].start - (uint64_t)less);
    qsort(values, count, sizeof(*values), ascending);
    return values;
}

void digest_make(const struct sample *control, size_t control_count, const struct sample *op,
                 size_t op_count, struct digest *digest)
{
    int64_t *values = differences(control, control_count, 0);
    digest->control = percentile(values, control_count, 500);
    free(values);

    values = differences(op, op_count, digest->control);
    digest->min = values[0];
    digest->p50 = percentile(values, op_count, 500);
    digest->p90 = percentile(values, op_count, 900);
    digest->p99 = percentile(values, op_count, 990);
    digest->max = values[op_count - 1];
    digest->total = 0;
    for (size_t i = 0; i < op_count; i++)
        digest->total += (double)values[i];
    free(values);
}
