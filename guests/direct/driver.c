/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include "../../core/boot/cpu.h"
#include "../../core/boot/exception.h"
#include "../../core/boot/string.h"
#include "../../core/platform.h"
#include "../../core/x86/control_registers.h"
#include "../../core/x86/instructions.h"
#include "../image/fold.h"
#include "../image/guest_memory.h"
#include "../image/plan_check.h"
#include "../image/say.h"
#include "../image/show.h"
#include "../image/validity.h"
#include "enter.h"
#include "lacks.h"
#include "local_apic.h"
#include "watchdog.h"

#include <string.h>

#define EXCEPTION_CODE 0x100u /* of HYPERCALL_FAILED: start.S */
#define EXCEPTIONS     32u
#define VECTOR_NMI     2u

/* A slow monitor's exit takes 100 microseconds. */
#define SECONDS_LEAST     5u
#define SAMPLES_OF_SECOND 2000u

static const char *const exceptions[EXCEPTIONS] = {
    "#DE", "#DB", "NMI", "#BP", "#OF",          "#BR", "#UD", "#NM", "#DF", "exception 9", "#TS",
    "#NP", "#SS", "#GP", "#PF", "exception 15", "#MF", "#AC", "#MC", "#XM", "#VE",         "#CP",
};

/* One phase. */
struct phase_run {
    const struct blob_row *row;
    struct direct_start start;
    uint32_t samples;
    bool touches; /* memory on demand, a page a sample */
    uint32_t seconds;
};

/* How a round ended: it is done, or reason says why not, and status what that makes of the job. */
struct round_end {
    bool done;
    enum result_status status;
    const char *reason;
    uint64_t code; /* that the row left with, where no reason tells */
};

/* That a phase is given. */
static uint32_t seconds_of(uint32_t samples)
{
    return SECONDS_LEAST + samples / SAMPLES_OF_SECOND;
}

static struct round_end ended(enum result_status status, const char *reason)
{
    return (struct round_end){.status = status, .reason = reason};
}

/* An exception is the monitor's word on what the row does; anything else the row's own. */
static struct round_end ended_by(uint64_t number, uint64_t argument)
{
    if (number == HYPERCALL_PHASE_DONE)
        return (struct round_end){.done = true};
    if (argument == EXCEPTION_CODE + VECTOR_NMI)
        return ended(RESULT_SKIPPED, "it did not come back, and was cut off");
    return (struct round_end){.status = argument >= EXCEPTION_CODE ? RESULT_SKIPPED : RESULT_FAILED,
                              .code = argument};
}

static struct round_end run_round(struct direct *direct, const struct phase_run *run)
{
    uint64_t number, argument;
    struct cpu *cpu = cpu_this();

    if (run->touches && !space_renew_demand(direct->space, run->samples))
        return ended(RESULT_SKIPPED,
                     "it takes a fresh page a sample, and there are no more of them");
    direct->results->beat++;
    watchdog_arm(run->seconds);
    number = direct_enter(&run->start, &argument);
    exception_start(&cpu->tables, cpu);
    watchdog_disarm();
    return ended_by(number, argument);
}

static struct round_end run_phase(struct direct *direct, const struct plan_job *job,
                                  const struct blob_row *row, uint32_t row_index, enum phase phase,
                                  struct job_result *result)
{
    char *base = (char *)direct->results;
    const struct phase_places at = phase_places(job, phase);
    struct phase_result *out = &result->phases[phase];
    const uint32_t samples = phase_samples(job, phase);
    const struct phase_run run = {
        .row = row,
        .start = {.rip = blob_header(direct->blob)->entry,
                  .rsp = GUEST_STACK_TOP,
                  .cr3 = GUEST_PAGE_TABLES,
                  .cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG,
                  .cr4 = CR4_PAE,
                  .rdi = row_index,
                  .rsi = phase_code(phase),
                  .rdx = samples},
        .samples = samples,
        .touches = row->flags & ROW_DEMAND && phase_code(phase) == GUEST_OP,
        .seconds = seconds_of(samples),
    };
    struct phase_folded *folded =
        phase_folded_size(job, phase) ? (struct phase_folded *)(base + at.folded) : NULL;
    struct round_end end = {.done = true};

    out->folded_offset = folded ? at.folded : 0;
    for (uint32_t round = 0; end.done && round < phase_rounds(job, phase); round++) {
        end = run_round(direct, &run);
        if (!end.done)
            return end;
        memcpy(base + at.samples, direct->space->memory + GUEST_SAMPLES_BASE,
               samples * sizeof(struct sample));
        if (folded)
            fold_round(folded, (struct sample *)(base + at.samples), samples, NULL, 0, 0);
    }
    out->samples = samples;
    out->samples_offset = at.samples;
    return end;
}

static void say_end(struct job_result *result, const struct round_end *end)
{
    char *reason = result->reason;
    const size_t room = sizeof(result->reason);

    if (end->reason) {
        say(reason, room, end->reason);
    } else if (end->code < EXCEPTION_CODE) {
        say(reason, room, "what it did is not what it should have: the guest's code ");
        say_hex(reason, room, end->code);
    } else {
        const uint64_t vector = end->code - EXCEPTION_CODE;
        say(reason, room, "under this monitor it raises ");
        if (vector < EXCEPTIONS && exceptions[vector]) {
            say(reason, room, exceptions[vector]);
        } else {
            say(reason, room, "exception ");
            say_hex(reason, room, vector);
        }
    }
}

static struct round_end run_job(struct direct *direct, uint32_t job_index,
                                struct job_result *result)
{
    const struct plan_job *job = &plan_jobs(direct->plan)[job_index];
    uint32_t row_index;
    const struct blob_row *row = blob_find(direct->blob, job->benchmark, &row_index);
    struct round_end end = {.done = true};

    if (!row)
        return ended(RESULT_FAILED, "no such benchmark in the guest blob");
    const char *lack = direct_lacks(row, job, direct);
    if (lack)
        return ended(RESULT_SKIPPED, lack);
    space_load(direct->space, direct->blob);
    local_apic_anew();
    for (int phase = 0; phase < PHASE_COUNT && end.done; phase++) {
        validity_note(&result->validity, (enum phase)phase);
        if (phase != PHASE_TWICE || row->twice)
            end = run_phase(direct, job, row, row_index, (enum phase)phase, result);
    }
    return end;
}

static struct job_result *result_of(const struct direct *direct, uint32_t job)
{
    return (struct job_result *)((char *)direct->results +
                                 plan_jobs(direct->plan)[job].results_offset);
}

static enum direct_turn turn_of(const struct direct *direct, uint32_t job)
{
    uint32_t index;
    const struct blob_row *row =
        blob_find(direct->blob, plan_jobs(direct->plan)[job].benchmark, &index);

    return row ? direct_turn(row) : DIRECT_FIRST;
}

static void run_one(struct direct *direct, uint32_t job)
{
    static const char *const words[] = {"not run", "done", "skipped", "failed"};
    struct results_header *results = direct->results;
    struct job_result *result = result_of(direct, job);
    struct round_end end;

    show_job(job);
    results->begun = job + 1;
    result->job = job;
    direct->begins(job);
    end = run_job(direct, job, result);
    if (!end.done)
        say_end(result, &end);
    result->status = end.done ? RESULT_DONE : end.status;
    results->jobs_done++;
    results->begun = 0;
    platform_log("job %u/%u %s: %s%s%s\n", results->jobs_done, direct->plan->job_count,
                 plan_jobs(direct->plan)[job].benchmark, words[result->status],
                 *result->reason ? ": " : "", result->reason);
}

/* Whoever has started the machine anew did so because of the job that ran. */
static void resume(struct direct *direct)
{
    struct results_header *results = direct->results;
    uint32_t job = results->begun - 1;

    if (!results->begun)
        return;
    memset(result_of(direct, job), 0, sizeof(struct job_result));
    result_of(direct, job)->job = job;
    say(result_of(direct, job)->reason, RESULT_REASON_SIZE,
        "it did not come back, out of reach of an NMI, or had the machine reset");
    result_of(direct, job)->status = RESULT_SKIPPED;
    results->jobs_done++;
    results->begun = 0;
    platform_log("job %u/%u %s: skipped: it did not come back\n", results->jobs_done,
                 direct->plan->job_count, plan_jobs(direct->plan)[job].benchmark);
}

/* The results as they are if no other row comes back; and then as they were. */
static void tell_so_far(struct direct *direct)
{
    static const char untold[] = "this was sent before it ran, as it might not have come back";
    struct results_header *results = direct->results;
    uint32_t late = 0;

    for (uint32_t i = 0; i < direct->plan->job_count; i++) {
        struct job_result *result = result_of(direct, i);
        if (result->status != RESULT_NOT_RUN)
            continue;
        result->status = RESULT_SKIPPED;
        result->job = i;
        say(result->reason, RESULT_REASON_SIZE, untold);
        late++;
    }
    if (!late)
        return;
    results->status = RESULT_DONE;
    results->tsc_end = x86_rdtsc();
    direct->so_far();
    results->status = RESULT_NOT_RUN;
    for (uint32_t i = 0; i < direct->plan->job_count; i++) {
        struct job_result *result = result_of(direct, i);
        if (result->status == RESULT_SKIPPED && string_equal(result->reason, untold))
            memset(result, 0, sizeof(*result));
    }
}

/* More than any phase is given. */
static uint32_t patience_of(const struct plan_header *plan)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < plan->job_count; i++)
        if (most < plan_jobs(plan)[i].samples)
            most = plan_jobs(plan)[i].samples;
    return seconds_of(most) + SECONDS_LEAST;
}

void direct_run(struct direct *direct)
{
    resume(direct);
    direct->results->patience = patience_of(direct->plan);
    for (int turn = DIRECT_FIRST; turn < DIRECT_TURNS; turn++) {
        if (turn == DIRECT_LATE)
            tell_so_far(direct);
        for (uint32_t i = 0; i < direct->plan->job_count; i++)
            if (turn_of(direct, i) == (enum direct_turn)turn &&
                result_of(direct, i)->status == RESULT_NOT_RUN)
                run_one(direct, i);
    }
    local_apic_anew();
}
