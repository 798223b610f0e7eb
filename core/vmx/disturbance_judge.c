/* SPDX-License-Identifier: MIT */
/* What two readings say: pure, and the harness's too, which reads them by other means. */
#include "disturbance.h"

#include <stddef.h>

/* Differences too large to be multiplied lose what three digits do not show. */
static uint64_t per_mille(uint64_t part, uint64_t whole)
{
    for (; part >> 53; part >>= 1)
        whole >>= 1;
    if (!whole)
        whole = 1;
    return (part * 1000 + whole / 2) / whole;
}

static const char *judge_clocks(const struct disturbance_facts *before,
                                const struct disturbance_facts *after,
                                struct disturbance *disturbance)
{
    if (!before->has_clocks || !after->has_clocks)
        return "this CPU has no IA32_APERF and IA32_MPERF";
    if (after->tsc <= before->tsc)
        return "the TSC did not advance";
    if (after->aperf < before->aperf || after->mperf < before->mperf)
        return "IA32_APERF or IA32_MPERF was written in between";
    if (after->aperf == before->aperf || after->mperf == before->mperf)
        return "IA32_APERF and IA32_MPERF do not count";
    disturbance->core_per_mille =
        per_mille(after->aperf - before->aperf, after->mperf - before->mperf);
    disturbance->awake_per_mille =
        per_mille(after->mperf - before->mperf, after->tsc - before->tsc);
    return NULL;
}

void disturbance_judge(const struct disturbance_facts *before,
                       const struct disturbance_facts *after, struct disturbance *disturbance)
{
    *disturbance = (struct disturbance){0};
    disturbance->clocks_absent = judge_clocks(before, after, disturbance);
    if (before->has_nmi_count && after->has_nmi_count)
        disturbance->nmis = after->nmi_count - before->nmi_count;
    if (before->has_smi_count && after->has_smi_count)
        disturbance->smis = after->smi_count - before->smi_count;
    else
        disturbance->smis_absent = "this CPU has no MSR_SMI_COUNT";
}
