/* SPDX-License-Identifier: MIT */
#include "kvm_job.h"

#include "../guests/image/fold.h"
#include "../guests/image/guest_memory.h"
#include "../guests/image/validity.h"
#include "child.h"
#include "kvm_clocks.h"
#include "kvm_exit.h"
#include "kvm_row.h"
#include "policy_bitmap.h"
#include "text.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const phase_words[PHASE_COUNT] = {
    [PHASE_COUNT_CONTROL] = "the first run of the control",
    [PHASE_COUNT_OP] = "the first run of the operation",
    [PHASE_CONTROL] = "the control",
    [PHASE_OP] = "the operation",
    [PHASE_TWICE] = "the operation twice",
};

/*
 * What the job does from now on, and how long that may take: of operations that have been timed,
 * some times as long as they took.
 */
#define OPERATION_SECONDS 0.0002
#define TIMES_AS_LONG     5.0

static void begin(const struct kvm_job *job, const char *what, double operations, double each)
{
    struct kvm_job_facts *facts = job->facts;

    if (each < OPERATION_SECONDS)
        each = OPERATION_SECONDS;
    snprintf(facts->at, sizeof(facts->at), "%s", what);
    facts->seconds = KVM_JOB_SECONDS + operations * each;
    facts->deadline = monotonic_seconds() + facts->seconds;
}

static void end_as(const struct kvm_job *job, enum result_status status, const char *reason)
{
    snprintf(job->facts->reason, sizeof(job->facts->reason), "%s", reason);
    job->facts->status = status;
}

/* What this KVM, or the host, does not do for us is no failure of the benchmark's. */
static void skip(const struct kvm_job *job, const char *who, const char *reason)
{
    char *whole = text("%s%s: %s", who, job->facts->at, reason);
    end_as(job, RESULT_SKIPPED, whole);
    free(whole);
}

/* The second CPU, on a thread of its own. */
struct second {
    const struct kvm_job *job;
    struct kvm_machine *machine;
};

/* If it fails, the first would wait for it for ever. */
static void *run_second(void *argument)
{
    const struct second *second = argument;
    struct kvm_stop stop;

    if (second->job->pinned[1] >= 0)
        kvm_schedule_pin(second->job->pinned[1]);
    kvm_run(second->machine, &second->machine->vcpus[1], &stop);
    if (!stop.done) {
        skip(second->job, "second CPU, ", stop.reason);
        _exit(0);
    }
    return NULL;
}

/* One entry of the row, from its start to its end. False if the job is over. */
static bool enter(const struct kvm_job *job, struct kvm_machine *machine,
                  enum guest_phase_code code, uint32_t samples)
{
    struct kvm_start start = {.rip = blob_header(job->blob)->entry,
                              .rsp = GUEST_STACK_TOP,
                              .rdi = job->row_index,
                              .rsi = code,
                              .rdx = samples};
    struct second second = {job, machine};
    struct kvm_stop stop;
    pthread_t thread;
    bool two = job->row->requires & ROW_REQUIRES_TWO_CPUS;

    char *wrong = kvm_vcpu_start(&machine->vcpus[0], &start);
    if (!wrong && two) {
        start.rsi = GUEST_OTHER;
        start.rsp = GUEST_OTHER_STACK;
        wrong = kvm_vcpu_start(&machine->vcpus[1], &start);
    }
    if (!wrong && two && pthread_create(&thread, NULL, run_second, &second) != 0)
        wrong = text("no thread for the second CPU");
    if (wrong) {
        skip(job, "", wrong);
        free(wrong);
        return false;
    }
    kvm_run(machine, &machine->vcpus[0], &stop);
    if (stop.done && two)
        pthread_join(thread, NULL);
    if (!stop.done)
        skip(job, "", stop.reason);
    return stop.done;
}

static bool run_round(const struct kvm_job *job, struct kvm_machine *machine, enum phase phase)
{
    if (job->row->flags & ROW_LOGGED && !kvm_machine_log(machine)) {
        skip(job, "", "this KVM keeps no log of the pages that are written");
        return false;
    }
    if (!kvm_machine_take_back(machine)) {
        skip(job, "", "the host does not take memory back");
        return false;
    }
    return enter(job, machine, phase_code(phase), phase_samples(job->plan, phase));
}

/* Its samples go where the results have them, and all rounds' into the histograms, if several. */
static void keep_samples(const struct kvm_job *job, const struct kvm_machine *machine,
                         enum phase phase, struct phase_result *result)
{
    const struct phase_places at = phase_places(job->plan, phase);
    struct sample *samples = (struct sample *)(job->results + at.samples);

    result->samples = phase_samples(job->plan, phase);
    result->samples_offset = at.samples;
    memcpy(samples, machine->memory + GUEST_SAMPLES_BASE, result->samples * sizeof(*samples));
    if (!phase_folded_size(job->plan, phase))
        return;
    result->folded_offset = at.folded;
    fold_round((struct phase_folded *)(job->results + at.folded), samples, result->samples, NULL, 0,
               0);
}

struct readings {
    bool has_stats;
    uint64_t stats[KVM_STATS_MAX];
    struct kvm_schedule schedule;
};

static void take_readings(const struct kvm_job *job, int stats, struct readings *now)
{
    now->has_stats = stats >= 0 && kvm_stats_read(stats, &job->facts->stats, now->stats);
    kvm_schedule_read(job->pinned[0], &now->schedule);
}

/* What an operation of the longest phase so far took. */
static double seconds_each(const struct kvm_job *job)
{
    double most = 0;

    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        double operations = (double)phase_samples(job->plan, (enum phase)phase) *
                            phase_rounds(job->plan, (enum phase)phase);
        double each = (double)job->facts->phases[phase].schedule.wall * 1e-9 / operations;
        if (job->facts->phases[phase].ran && each > most)
            most = each;
    }
    return most;
}

static bool run_phase(const struct kvm_job *job, struct kvm_machine *machine, int stats,
                      struct kvm_perf_counters *counters, enum phase phase,
                      struct phase_result *result)
{
    struct kvm_phase_facts *facts = &job->facts->phases[phase];
    struct readings before, after;

    begin(job, phase_words[phase],
          (double)phase_samples(job->plan, phase) * phase_rounds(job->plan, phase),
          TIMES_AS_LONG * seconds_each(job));
    take_readings(job, stats, &before);
    kvm_perf_start(counters);
    for (uint32_t round = 0; round < phase_rounds(job->plan, phase); round++) {
        if (!run_round(job, machine, phase))
            return false;
        keep_samples(job, machine, phase, result);
    }
    kvm_perf_stop(counters, &facts->counts);
    take_readings(job, stats, &after);
    facts->has_stats = before.has_stats && after.has_stats;
    for (unsigned i = 0; facts->has_stats && i < job->facts->stats.count; i++)
        facts->stats[i] = after.stats[i] - before.stats[i];
    facts->schedule = kvm_schedule_between(&before.schedule, &after.schedule);
    facts->ran = true;
    return true;
}

/*
 * Every page that samples go to is touched by the guest before any is measured, or each 256th
 * sample would be KVM's mapping of it; and so is every page of those that are logged. Before, a few
 * samples tell how long that may take.
 */
static bool warm_up(const struct kvm_job *job, struct kvm_machine *machine)
{
    uint32_t few = job->plan->count_samples;
    uint32_t most = job->plan->samples > few ? job->plan->samples : few;
    bool logged = job->row->flags & ROW_LOGGED;
    double began = monotonic_seconds();

    begin(job, "the warm-up", few, 0);
    if (!enter(job, machine, GUEST_CONTROL, few))
        return false;
    begin(job, "the warm-up", most, TIMES_AS_LONG * (monotonic_seconds() - began) / few);
    return enter(job, machine, logged ? GUEST_OP : GUEST_CONTROL, most);
}

static void run_phases(const struct kvm_job *job, struct kvm_machine *machine, int stats,
                       struct kvm_perf_counters *counters)
{
    struct job_result *result = (struct job_result *)(job->results + job->plan->results_offset);

    if (!warm_up(job, machine))
        return;
    for (int i = 0; i < PHASE_COUNT; i++) {
        enum phase phase = (enum phase)i;
        validity_note(&result->validity, phase);
        if (phase == PHASE_TWICE && !job->row->twice)
            continue;
        if (!run_phase(job, machine, stats, counters, phase, &result->phases[phase]))
            return;
    }
    kvm_clocks_explain(&result->validity);
    end_as(job, RESULT_DONE, "");
}

void kvm_job_run(const struct kvm_job *job)
{
    struct kvm_machine machine;
    struct kvm_perf_counters counters;
    struct kvm_job_facts *facts = job->facts;
    const char *why = NULL;
    unsigned vcpus = job->row->requires & ROW_REQUIRES_TWO_CPUS ? job->cpus : 1;

    begin(job, "making the virtual machine", 0, 0);
    if (job->pinned[0] >= 0 && !kvm_schedule_pin(job->pinned[0])) {
        skip(job, "", strerror(errno));
        return;
    }
    char *wrong = kvm_machine_make(&machine, job->kvm, vcpus, job->blob, job->policy);
    if (wrong) {
        skip(job, "", wrong);
        free(wrong);
        return;
    }
    const char *lack = kvm_row_lacks(job->row, &machine);
    if (lack) {
        char *whole = text("by what this KVM gives its guests: %s", lack);
        end_as(job, RESULT_SKIPPED, whole);
        free(whole);
        return;
    }
    int stats = kvm_stats_open(machine.vcpus[0].fd, &facts->stats, &why);
    if (stats < 0)
        snprintf(facts->stats_absent, sizeof(facts->stats_absent), "%s", why);
    kvm_clocks_open();
    kvm_perf_open(job->perf, &counters, &facts->events_absent);
    run_phases(job, &machine, stats, &counters);
}
