/* SPDX-License-Identifier: MIT */
#include "exit_proof.h"

#include "row_exits.h"
#include "trace_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define EXIT_REASON_EXTERNAL_INTERRUPT 1u /* SDM Vol. 3D appendix C */

/* Exits of a phase by reason; what ended its rounds is not among them. */
struct reasons {
    bool known;
    int64_t count[PROBE_REASONS];
};

static void count_record(struct reasons *reasons, const uint8_t *at)
{
    struct record record;
    memcpy(&record, at, sizeof(record));
    if (!(record.flags & RECORD_LEFT))
        reasons->count[record.reason < PROBE_REASONS ? record.reason : PROBE_REASONS - 1]++;
}

static struct reasons reasons_of(const struct phase_outcome *phase)
{
    struct reasons reasons = {.known = true};
    const struct probe_totals *totals = phase->totals   ? phase->totals
                                        : phase->folded ? &phase->folded->totals
                                                        : NULL;
    if (totals) {
        for (unsigned i = 0; i < PROBE_REASONS; i++)
            reasons.count[i] = (int64_t)totals->exits[i];
        return reasons;
    }
    reasons.known = phase->packet && phase->discarded == 0;
    for (uint32_t i = 0; reasons.known && i < phase->records; i++)
        count_record(&reasons, phase->packet + sizeof(struct packet_header) +
                                   i * probe_record_size(phase->level));
    return reasons;
}

/* Disagrees at the first reason that was not taken as often as expected, and says so. */
static enum proof by_reason(const struct job *job, struct job_outcome *outcome,
                            const struct phase_outcome *control, const struct phase_outcome *op)
{
    const struct reasons with = reasons_of(op), without = reasons_of(control);

    if (!with.known || !without.known)
        return PROOF_NONE;
    for (unsigned reason = 0; reason < PROBE_REASONS; reason++) {
        int64_t found = with.count[reason] - without.count[reason];
        int64_t expected =
            (int64_t)op->operations *
            row_exits_of(&job->benchmark->row, reason, &job->policy->plan, &outcome->controls);
        if (reason == EXIT_REASON_EXTERNAL_INTERRUPT && !row_expects(&job->benchmark->row, reason))
            outcome->interruptions.control = without.count[reason],
            outcome->interruptions.op = with.count[reason];
        else if (found != expected) {
            snprintf(outcome->reason, sizeof(outcome->reason),
                     "%" PRId64 " exits by %s for %" PRIu64
                     " operations; by the policy it must be %" PRId64,
                     found, trace_reason_name(reason), op->operations, expected);
            return PROOF_DISAGREES;
        }
    }
    return PROOF_AGREES;
}

void exit_proof(const struct job *job, struct job_outcome *outcome)
{
    const struct phase_outcome *control = &outcome->phases[PHASE_CONTROL];
    const struct phase_outcome *op = &outcome->phases[PHASE_OP];

    if (benchmark_is_root(job->benchmark))
        return; /* nothing exits from VMX root operation */
    outcome->expected_exits =
        row_exits(&job->benchmark->row, &job->policy->plan, &outcome->controls);
    if (!control->has_exits || !op->has_exits) {
        control = &outcome->phases[PHASE_COUNT_CONTROL];
        op = &outcome->phases[PHASE_COUNT_OP];
    }
    if (!control->has_exits || !op->has_exits || op->samples == 0)
        return;
    outcome->has_exits = true;
    outcome->exit_operations = op->operations;
    outcome->proof = by_reason(job, outcome, control, op);
    outcome->exits = (int64_t)op->exits - (int64_t)control->exits -
                     (outcome->interruptions.op - outcome->interruptions.control);
    if (outcome->proof != PROOF_DISAGREES) {
        bool agrees = outcome->exits == (int64_t)(outcome->expected_exits * op->operations);
        outcome->proof = agrees ? PROOF_AGREES : PROOF_DISAGREES;
        if (agrees)
            return;
        snprintf(outcome->reason, sizeof(outcome->reason),
                 "%" PRId64 " exits for %" PRIu64 " operations; by the policy it must be %u each",
                 outcome->exits, op->operations, outcome->expected_exits);
    }
    outcome->status = RESULT_FAILED;
}
