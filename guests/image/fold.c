/* SPDX-License-Identifier: MIT */
#include "fold.h"

#include "../../core/vmx/exit_reason.h"

#include <stdbool.h>

static void fold_sample(struct phase_folded *folded, const struct sample *sample)
{
    if (sample->end < sample->start || sample->start < folded->last_sample) {
        folded->out_of_order++;
        return;
    }
    folded->last_sample = sample->end;
    histogram_add(&folded->round_trip, sample->end - sample->start);
}

static void fold_costs(struct probe_totals *totals, const struct record *record)
{
    totals->vmreads += record->vmreads;
    totals->vmwrites += record->vmwrites;
    totals->msr_accesses += record->msr_accesses;
    totals->xsetbvs += record->xsetbvs;
    totals->invalidations += record->invalidations;
}

/* As the exit path counts: what the dispatch table has no line for, VM entries that failed
 * included, goes to the last place. */
static unsigned place_of(const struct record *record)
{
    bool listed = record->reason < EXIT_REASONS && !record->reason_flags;

    return listed ? record->reason : PROBE_REASONS - 1;
}

static void fold_record(struct phase_folded *folded, const struct record *record)
{
    bool forward = record->entered > folded->last_record && record->dispatched >= record->entered &&
                   record->handled >= record->dispatched;

    if (!(record->flags & RECORD_LEFT))
        forward = forward && record->entering >= record->handled;
    if (!forward) {
        folded->out_of_order++;
        return;
    }
    folded->last_record = record->handled;
    folded->totals.exits[place_of(record)]++;
    if (record->flags & RECORD_HAS_COUNTS)
        fold_costs(&folded->totals, record);
    if (record->flags & RECORD_LEFT) { /* ends the round; no part of the work */
        folded->left++;
        return;
    }
    histogram_add(&folded->save_and_dispatch, record->dispatched - record->entered);
    histogram_add(&folded->handler, record->handled - record->dispatched);
    histogram_add(&folded->restore, record->entering - record->handled);
}

void fold_round(struct phase_folded *folded, const struct sample *samples, uint32_t sample_count,
                const struct packet_header *packet, uint32_t records, uint64_t discarded)
{
    for (uint32_t i = 0; i < sample_count; i++)
        fold_sample(folded, &samples[i]);
    for (uint32_t i = 0; packet && i < records; i++)
        fold_record(folded, (const struct record *)((const char *)(packet + 1) +
                                                    i * probe_record_size(packet->probe_level)));
    folded->rounds++;
    folded->samples += sample_count;
    folded->records += packet ? records : 0;
    folded->discarded += discarded;
}
