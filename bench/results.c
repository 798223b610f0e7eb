/* SPDX-License-Identifier: MIT */
#include "results.h"

#include "exit_proof.h"
#include "results_events.h"
#include "results_sums.h"
#include "text.h"
#include "validity.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *result_status_name(enum result_status status)
{
    static const char *const names[] = {"not_run", "done", "skipped", "failed"};
    return names[status];
}

/* Fails the job; its phases may not be used any more. */
__attribute__((format(printf, 2, 3))) static bool fail_job(struct job_outcome *job,
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(job->reason, sizeof(job->reason), format, arguments);
    va_end(arguments);
    memset(job->phases, 0, sizeof(job->phases));
    job->validity = (struct job_validity){0};
    job->has_exits = job->has_digest = false;
    job->status = RESULT_FAILED;
    return false;
}

static void take_reason(char *to, const char from[RESULT_REASON_SIZE])
{
    memcpy(to, from, RESULT_REASON_SIZE);
    to[RESULT_REASON_SIZE - 1] = '\0';
    printable(to);
}

static bool packet_is_sound(const struct job *job, uint32_t index, enum phase phase, uint32_t level,
                            uint32_t records, const uint8_t *packet)
{
    struct packet_header header;
    uint64_t bytes = sizeof(header) + (uint64_t)records * probe_record_size(level);

    memcpy(&header, packet, sizeof(header));
    return records <= phase_record_room(&job->plan, phase) && header.magic == PACKET_MAGIC &&
           header.stream_id == probe_stream(level) && header.cpu_id < PACKET_CPUS_MAX &&
           header.job == index && header.phase == (uint32_t)phase &&
           header.content_size == header.packet_size && header.content_size == bytes * 8;
}

static bool read_packet(const struct job *job, uint32_t index, enum phase phase,
                        const uint8_t *packet, struct job_outcome *outcome)
{
    struct phase_outcome *out = &outcome->phases[phase];

    if (out->records > phase_record_room(&job->plan, phase))
        return fail_job(outcome, "phase %d: %" PRIu32 " records where %" PRIu64 " fit", phase,
                        out->records, phase_record_room(&job->plan, phase));
    if (!packet_is_sound(job, index, phase, out->level, out->records, packet))
        return fail_job(outcome, "phase %d: its packet header is damaged", phase);
    out->packet = packet;
    return true;
}

/* Exits of a phase, from the most that it has of them; each round's last one ends the round. */
static void count_phase_exits(struct phase_outcome *out, uint32_t rounds)
{
    uint64_t all = 0;

    if (out->totals)
        for (unsigned i = 0; i < PROBE_REASONS; i++)
            all += out->totals->exits[i];
    else if (out->packet && out->folded)
        all = out->folded->records + out->folded->discarded;
    else if (out->packet)
        all = out->records + out->discarded;
    out->has_exits = all >= rounds;
    out->exits = all - rounds;
}

/* What several rounds were folded into must be what the plan asked for, and in order. */
static bool check_folded(const struct job *job, enum phase phase, struct job_outcome *outcome)
{
    char *wrong = folded_wrong(outcome->phases[phase].folded, phase_rounds(&job->plan, phase),
                               phase_samples(&job->plan, phase));

    if (wrong)
        fail_job(outcome, "phase %d: %s", phase, wrong);
    free(wrong);
    return !wrong;
}

static bool may_be_left_out(const struct job *job, enum phase phase)
{
    return benchmark_is_check(job->benchmark) ||
           (phase == PHASE_TWICE && !job->benchmark->row.twice);
}

static bool read_phase(const struct job *job, uint32_t index, enum phase phase,
                       const struct phase_result *in, const struct bytes *region,
                       struct job_outcome *outcome)
{
    struct phase_outcome *out = &outcome->phases[phase];
    const struct phase_places at = phase_places(&job->plan, phase);
    uint32_t asked = phase_samples(&job->plan, phase);

    if (in->samples != asked && !(in->samples == 0 && may_be_left_out(job, phase)))
        return fail_job(outcome, "phase %d: %" PRIu32 " samples taken, %" PRIu32 " asked for",
                        phase, in->samples, asked);
    if ((in->samples > 0 && in->samples_offset != at.samples) ||
        (in->packet_offset != 0 && in->packet_offset != at.packet) ||
        (in->totals_offset != 0 && (in->totals_offset != at.totals || at.folded == at.totals)) ||
        in->folded_offset != (phase_folded_size(&job->plan, phase) ? at.folded : 0))
        return fail_job(outcome, "phase %d: its data lies where it should not", phase);
    *out = (struct phase_outcome){
        .samples = in->samples,
        .records = in->records,
        .discarded = in->discarded,
        .sample = (const void *)(region->data + at.samples),
        .operations = (uint64_t)in->samples * phase_rounds(&job->plan, phase),
        .level = phase < PHASE_CONTROL ? PROBE_FULL : outcome->probe_level,
        .totals = in->totals_offset ? (const void *)(region->data + at.totals) : NULL,
        .folded = in->folded_offset ? (const void *)(region->data + at.folded) : NULL,
    };
    if (in->discarded >= COUNT_MOST || (out->totals && !totals_sound(out->totals)))
        return fail_job(outcome, "phase %d: its sums are damaged", phase);
    if (out->folded && !check_folded(job, phase, outcome))
        return false;
    if (in->packet_offset != 0 &&
        !read_packet(job, index, phase, region->data + at.packet, outcome))
        return false;
    count_phase_exits(out, phase_rounds(&job->plan, phase));
    if (in->packet_offset == 0 && in->records > 0)
        return fail_job(outcome, "phase %d: %" PRIu32 " records, but no packet", phase,
                        in->records);
    return true;
}

/* The level asked for, or one that takes its place. */
static bool level_is_possible(const struct job *job, uint32_t level)
{
    uint32_t asked = job->plan.probe_level;
    return level == asked || (asked >= PROBE_HARDWARE && level >= PROBE_FULL && level < asked);
}

/* Records and sums of a job that the image gave up, as far as they are whole: they show how it
 * went.
 */
static void keep_trace(const struct job *job, uint32_t index, const struct bytes *region,
                       const struct job_result *result, struct job_outcome *outcome)
{
    for (int i = 0; i < PHASE_COUNT; i++) {
        enum phase phase = (enum phase)i;
        const struct phase_places at = phase_places(&job->plan, phase);
        const struct phase_result *in = &result->phases[i];
        struct phase_outcome *out = &outcome->phases[i];
        uint32_t level = phase < PHASE_CONTROL ? PROBE_FULL : result->probe_level;
        if (in->packet_offset == at.packet && level_is_possible(job, result->probe_level) &&
            packet_is_sound(job, index, phase, level, in->records, region->data + at.packet) &&
            in->discarded < COUNT_MOST)
            *out = (struct phase_outcome){.level = level,
                                          .records = in->records,
                                          .discarded = in->discarded,
                                          .packet = region->data + at.packet};
        if (in->totals_offset == at.totals && phase_totals_size(&job->plan, phase) &&
            totals_sound((const void *)(region->data + at.totals)))
            out->totals = (const void *)(region->data + at.totals);
    }
}

static void read_job(const struct job *job, uint32_t index, const struct bytes *region,
                     struct job_outcome *outcome)
{
    struct job_result result;
    memcpy(&result, region->data + job->plan.results_offset, sizeof(result));
    if (result.status > RESULT_FAILED) {
        fail_job(outcome, "its status %" PRIu32 " is damaged", result.status);
        return;
    }
    outcome->status = (enum result_status)result.status;
    if (outcome->status == RESULT_NOT_RUN) {
        strcpy(outcome->reason, "not run");
        return;
    }
    if (result.job != index) {
        fail_job(outcome, "its place holds job %" PRIu32, result.job);
        return;
    }
    take_reason(outcome->reason, result.reason);
    outcome->controls = result.controls;
    if (outcome->status == RESULT_FAILED)
        keep_trace(job, index, region, &result, outcome);
    if (outcome->status != RESULT_DONE)
        return;
    outcome->reason[0] = '\0';
    outcome->validity = result.validity;
    if (!validity_sound(&outcome->validity)) {
        fail_job(outcome, "what it says of disturbances is damaged");
        return;
    }
    outcome->probe_level = result.probe_level;
    take_reason(outcome->lowered, result.lowered);
    if (!level_is_possible(job, result.probe_level) || !events_read(job, region, outcome)) {
        fail_job(outcome, "what it says of its probes or events is damaged");
        return;
    }
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        if (!read_phase(job, index, (enum phase)phase, &result.phases[phase], region, outcome))
            return;
    events_count(outcome);
    if (benchmark_is_check(job->benchmark))
        return;
    exit_proof(job, outcome);
    outcome->has_digest = true;
    digest_make(outcome->phases[PHASE_CONTROL].sample, outcome->phases[PHASE_CONTROL].samples,
                outcome->phases[PHASE_OP].sample, outcome->phases[PHASE_OP].samples,
                &outcome->digest);
}

void results_none(const struct experiment *experiment, const char *reason, struct results *results)
{
    *results = (struct results){
        .jobs = zeroed(experiment_all_jobs(experiment), sizeof(struct job_outcome))};
    snprintf(results->reason, sizeof(results->reason), "%s", reason);
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++)
        strcpy(results->jobs[i].reason, "not run");
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++)
        results->jobs[i].probe_level = experiment->jobs[i].plan.probe_level;
}

/* What is wrong with the header, or NULL; free() it. */
static char *check_header(const struct experiment *experiment, const struct results_header *header)
{
    if (header->magic != RESULTS_MAGIC || header->version != RESULTS_VERSION)
        return text("the results carry magic 0x%" PRIx64 " version %" PRIu32
                    ", not 0x%llx version %u",
                    header->magic, header->version, RESULTS_MAGIC, RESULTS_VERSION);
    if (header->job_count != experiment_all_jobs(experiment) ||
        header->jobs_done > header->job_count)
        return text("the results are of %" PRIu32 " jobs (%" PRIu32 " ended), %zu were planned",
                    header->job_count, header->jobs_done, experiment_all_jobs(experiment));
    if (header->status > RESULT_FAILED)
        return text("the status of the results, %" PRIu32 ", is damaged", header->status);
    return NULL;
}

/* Terminates the strings of the header. */
static void tidy_header(struct results_header *header)
{
    header->reason[sizeof(header->reason) - 1] = '\0';
    header->compiler[sizeof(header->compiler) - 1] = '\0';
    header->machine.vendor[sizeof(header->machine.vendor) - 1] = '\0';
    header->machine.brand[sizeof(header->machine.brand) - 1] = '\0';
    printable(header->reason);
    printable(header->compiler);
    printable(header->machine.vendor);
    printable(header->machine.brand);
}

/* Why the run as a whole failed, or nothing. */
static void judge(const struct experiment *experiment, struct results *results)
{
    const struct results_header *header = &results->header;
    size_t failed = results_count(experiment, results, RESULT_FAILED);
    size_t not_run = results_count(experiment, results, RESULT_NOT_RUN);
    if (header->status == RESULT_NOT_RUN)
        strcpy(results->reason, "the core stopped before its results were complete");
    else if (header->status == RESULT_FAILED && failed == 0)
        snprintf(results->reason, sizeof(results->reason), "%s",
                 header->reason[0] ? header->reason : "the core says that it failed");
    else if (failed > 0)
        snprintf(results->reason, sizeof(results->reason), "%zu of %zu jobs failed", failed,
                 experiment->job_count);
    else if (not_run > 0)
        snprintf(results->reason, sizeof(results->reason), "%zu of %zu jobs were not run", not_run,
                 experiment->job_count);
}

void results_read(const struct experiment *experiment, const struct bytes *region,
                  struct results *results)
{
    results_none(experiment, "", results);
    if (region->size != experiment->results_size) {
        snprintf(results->reason, sizeof(results->reason),
                 "the results take %zu bytes where %" PRIu64 " were laid out", region->size,
                 experiment->results_size);
        return;
    }
    memcpy(&results->header, region->data, sizeof(results->header));
    char *wrong = check_header(experiment, &results->header);
    if (wrong) {
        snprintf(results->reason, sizeof(results->reason), "%s", wrong);
        free(wrong);
        results->header = (struct results_header){0}; /* none of it can be believed */
        return;
    }
    results->readable = true;
    tidy_header(&results->header);
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++)
        read_job(&experiment->jobs[i], (uint32_t)i, region, &results->jobs[i]);
    judge(experiment, results);
}

size_t results_count(const struct experiment *experiment, const struct results *results,
                     enum result_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < experiment->job_count; i++)
        count += results->jobs[i].status == status;
    return count;
}

void results_free(struct results *results)
{
    free(results->jobs);
    *results = (struct results){0};
}
