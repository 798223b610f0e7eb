/* SPDX-License-Identifier: MIT */
#include "results_sums.h"

#include "text.h"

#include <inttypes.h>
#include <stddef.h>

bool totals_sound(const struct probe_totals *totals)
{
    uint64_t all = totals->vmreads | totals->vmwrites | totals->msr_accesses | totals->xsetbvs |
                   totals->invalidations;

    for (unsigned i = 0; i < PROBE_REASONS; i++)
        all |= totals->exits[i];
    return all < COUNT_MOST;
}

/* Its count is that of its buckets, and min and max lie in the first and the last that is used. */
static bool histogram_sound(const struct histogram *histogram)
{
    uint64_t count = 0;
    unsigned first = HISTOGRAM_BUCKETS, last = 0;

    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t bucket = histogram->buckets[i];
        if (!bucket)
            continue;
        if (bucket > histogram->count - count)
            return false;
        count += bucket;
        first = first < i ? first : i;
        last = i;
    }
    return count == histogram->count && (!count || (histogram->min <= histogram->max &&
                                                    histogram_bucket(histogram->min) == first &&
                                                    histogram_bucket(histogram->max) == last));
}

char *folded_wrong(const struct phase_folded *folded, uint32_t rounds, uint32_t samples)
{
    const struct {
        const char *name;
        const struct histogram *histogram;
    } histograms[] = {
        {"round trip", &folded->round_trip},
        {"save and dispatch", &folded->save_and_dispatch},
        {"handler", &folded->handler},
        {"restore", &folded->restore},
    };

    if (folded->rounds != rounds || folded->samples != (uint64_t)rounds * samples)
        return text("%" PRIu64 " rounds of %" PRIu64 " samples in all", folded->rounds,
                    folded->samples);
    if (folded->out_of_order)
        return text("%" PRIu64 " time stamps out of order", folded->out_of_order);
    if (folded->records >= COUNT_MOST || folded->discarded >= COUNT_MOST ||
        !totals_sound(&folded->totals))
        return text("its sums are damaged");
    for (size_t i = 0; i < sizeof(histograms) / sizeof(histograms[0]); i++)
        if (!histogram_sound(histograms[i].histogram))
            return text("the histogram of its %s is damaged", histograms[i].name);
    if (folded->round_trip.count != folded->samples)
        return text("its histogram has %" PRIu64 " of %" PRIu64 " samples",
                    folded->round_trip.count, folded->samples);
    return NULL;
}
