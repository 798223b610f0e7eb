/* SPDX-License-Identifier: MIT */
#include "validity.h"

#include "../../core/vmx/disturbance.h"

#include <string.h>

static void take(struct validity_reading *reading)
{
    struct disturbance_facts facts;

    disturbance_read(&facts);
    *reading = (struct validity_reading){
        .tsc = facts.tsc,
        .aperf = facts.aperf,
        .mperf = facts.mperf,
        .smi_count = facts.smi_count,
        .nmi_count = facts.nmi_count,
        .flags = (facts.has_clocks ? VALIDITY_HAS_CLOCKS : 0) |
                 (facts.has_smi_count ? VALIDITY_HAS_SMI_COUNT : 0) |
                 (facts.has_nmi_count ? VALIDITY_HAS_NMI_COUNT : 0),
    };
}

static struct disturbance between(const struct validity_reading *before,
                                  const struct validity_reading *after)
{
    const struct validity_reading *readings[2] = {before, after};
    struct disturbance_facts facts[2];
    struct disturbance disturbance;

    for (int i = 0; i < 2; i++)
        facts[i] = (struct disturbance_facts){
            .tsc = readings[i]->tsc,
            .aperf = readings[i]->aperf,
            .mperf = readings[i]->mperf,
            .smi_count = readings[i]->smi_count,
            .nmi_count = readings[i]->nmi_count,
            .has_clocks = readings[i]->flags & VALIDITY_HAS_CLOCKS,
            .has_smi_count = readings[i]->flags & VALIDITY_HAS_SMI_COUNT,
            .has_nmi_count = readings[i]->flags & VALIDITY_HAS_NMI_COUNT,
        };
    disturbance_judge(&facts[0], &facts[1], &disturbance);
    return disturbance;
}

static void say(char text[VALIDITY_TEXT_SIZE], const char *words)
{
    size_t length = strlen(words);

    if (length > VALIDITY_TEXT_SIZE - 1)
        length = VALIDITY_TEXT_SIZE - 1;
    memcpy(text, words, length);
    text[length] = '\0';
}

static uint32_t narrow(uint64_t per_mille)
{
    return per_mille > UINT32_MAX ? UINT32_MAX : (uint32_t)per_mille;
}

static bool apart(uint32_t one, uint32_t other)
{
    return (one > other ? one - other : other - one) > VALIDITY_TOLERANCE_PER_MILLE;
}

/* The ratios of both phases, or why one of them has none. */
static void judge_clocks(struct job_validity *validity)
{
    const struct validity_reading *readings = validity->readings;

    for (int phase = 0; phase < 2; phase++) {
        struct disturbance disturbance = between(&readings[phase], &readings[phase + 1]);
        if (readings[phase + 1].tsc <= readings[phase].tsc)
            validity->verdict |= VALIDITY_TSC;
        if (disturbance.clocks_absent) {
            say(validity->clocks_absent, disturbance.clocks_absent);
            continue;
        }
        validity->core_per_mille[phase] = narrow(disturbance.core_per_mille);
        validity->awake_per_mille[phase] = narrow(disturbance.awake_per_mille);
        if (disturbance.awake_per_mille > 1000 + VALIDITY_TOLERANCE_PER_MILLE)
            validity->verdict |= VALIDITY_TSC;
    }
    if (!*validity->clocks_absent &&
        apart(validity->core_per_mille[0], validity->core_per_mille[1]))
        validity->verdict |= VALIDITY_FREQUENCY;
}

static void judge(struct job_validity *validity)
{
    struct disturbance whole = between(&validity->readings[VALIDITY_BEFORE_CONTROL],
                                       &validity->readings[VALIDITY_AFTER_OP]);

    validity->verdict = VALIDITY_JUDGED;
    judge_clocks(validity);
    if (whole.smis_absent)
        say(validity->smis_absent, whole.smis_absent);
    validity->smis = whole.smis;
    if (whole.smis)
        validity->verdict |= VALIDITY_SMI;
    validity->nmis = whole.nmis;
    if (whole.nmis)
        validity->verdict |= VALIDITY_NMI;
}

void validity_note(struct job_validity *validity, enum phase next)
{
    if (next < PHASE_CONTROL || next > PHASE_TWICE)
        return;
    take(&validity->readings[next - PHASE_CONTROL]);
    if (next == PHASE_TWICE)
        judge(validity);
}

_Static_assert(PHASE_CONTROL + 1 == PHASE_OP && PHASE_OP + 1 == PHASE_TWICE,
               "a moment before each");
