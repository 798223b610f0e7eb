/* SPDX-License-Identifier: MIT */
#include "exit_costs.h"

#include <string.h>

/*
 * Whether the moment lies in a sample: in the last that began before. *sample is where the search
 * goes on: moments and samples come in the order of time.
 */
static bool in_sample(const struct phase_outcome *phase, uint64_t moment, uint32_t *sample)
{
    while (*sample + 1 < phase->samples && phase->sample[*sample + 1].start <= moment)
        ++*sample;
    return phase->samples > 0 && phase->sample[*sample].start <= moment &&
           moment <= phase->sample[*sample].end;
}

/* Whether the phase has records of exits that counted. */
static bool mean(const struct phase_outcome *phase, struct exit_costs *costs)
{
    const size_t size = probe_record_size(phase->level);
    uint32_t sample = 0;
    uint64_t exits = 0, vmreads = 0, vmwrites = 0, msr_accesses = 0, xsetbvs = 0, invalidations = 0;

    if (!phase->packet)
        return false;
    for (uint32_t i = 0; i < phase->records; i++) {
        struct record record;
        memcpy(&record, phase->packet + sizeof(struct packet_header) + i * size, sizeof(record));
        if (record.flags & RECORD_LEFT || !(record.flags & RECORD_HAS_COUNTS) ||
            !in_sample(phase, record.entered, &sample))
            continue;
        exits++;
        vmreads += record.vmreads;
        vmwrites += record.vmwrites;
        msr_accesses += record.msr_accesses;
        xsetbvs += record.xsetbvs;
        invalidations += record.invalidations;
    }
    if (!exits)
        return false;
    *costs = (struct exit_costs){.vmreads = (double)vmreads / exits,
                                 .vmwrites = (double)vmwrites / exits,
                                 .msr_accesses = (double)msr_accesses / exits,
                                 .xsetbvs = (double)xsetbvs / exits,
                                 .invalidations = (double)invalidations / exits};
    return true;
}

bool exit_costs(const struct job_outcome *outcome, struct exit_costs *costs)
{
    return mean(&outcome->phases[PHASE_OP], costs) || mean(&outcome->phases[PHASE_COUNT_OP], costs);
}
