/* SPDX-License-Identifier: MIT */
/*
 * Target kvm: the same guests straight on /dev/kvm, with the host's KVM as the monitor that is
 * measured. No image of ours takes part: this file reads the plan as the image would and leaves the
 * same results region, a job at a time, each in a process of its own.
 */
#include "../core/x86/instructions.h"
#include "../guests/image/guest_memory.h"
#include "../guests/image/plan_check.h"
#include "child.h"
#include "corpus.h"
#include "interrupt.h"
#include "kvm_device.h"
#include "kvm_facts.h"
#include "kvm_guard.h"
#include "kvm_job.h"
#include "kvm_results.h"
#include "kvm_row.h"
#include "monitor.h"
#include "requirement.h"
#include "run_progress.h"
#include "target.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define GIBIBYTE 1073741824ull
#define TIMEOUT  600.0

/*
 * What a job may take: to make its machine, and of each operation many times what any exit takes.
 * One that hangs costs the run as much.
 */
#define JOB_SECONDS       4.0
#define OPERATION_SECONDS 0.0002

static const char *const cpu_models[] = {"host", NULL};
static const char *const cpu_pmu_models[] = {NULL};

/* Everything of one boot. */
struct session {
    const struct boot *boot;
    struct bytes plan_file;
    const struct plan_header *plan;
    struct corpus corpus;
    int kvm;
    struct kvm_perf perf;
    int pinned[KVM_VCPUS_MAX];
    char *results;
    struct kvm_job_facts *facts; /* of the job under way; shared with its process */
    struct monitor *monitor;
    FILE *console;
};

static void run_job(const void *job)
{
    kvm_job_run(job);
}

/* How the job's process ended, if it did not say so itself. */
static void judge(const struct kvm_guard_end *end, struct kvm_job_facts *facts)
{
    if (end->how == KVM_GUARD_ENDED && facts->status != RESULT_NOT_RUN)
        return;
    facts->status = end->how == KVM_GUARD_TIMED_OUT ? RESULT_SKIPPED : RESULT_FAILED;
    facts->at[sizeof(facts->at) - 1] = '\0';
    if (end->how == KVM_GUARD_TIMED_OUT)
        snprintf(facts->reason, sizeof(facts->reason),
                 "%s: does not end on this KVM; killed after %.0f s", facts->at, facts->seconds);
    else if (end->how == KVM_GUARD_NOT_STARTED)
        snprintf(facts->reason, sizeof(facts->reason), "no process for it: %s",
                 strerror(end->code));
    else if (end->how == KVM_GUARD_DIED)
        snprintf(facts->reason, sizeof(facts->reason), "%s: its process died of signal %d",
                 facts->at, end->code);
    else
        snprintf(facts->reason, sizeof(facts->reason), "%s: its process ended without a word",
                 facts->at);
}

/* What needs no machine to know; NULL: nothing. */
static const char *refusal(const struct plan_job *job, const struct blob_row *row,
                           const struct plan_policy *policy)
{
    if (job->probe_level != PROBE_OFF)
        return "not under KVM: its exits carry no probes of ours";
    const char *why = kvm_row_not_applicable(row, policy);
    return why ? why
               : kvm_row_too_many(row, job->samples > job->count_samples ? job->samples
                                                                         : job->count_samples);
}

static const struct benchmark *find_row(const struct corpus *corpus, const char *name,
                                        uint32_t *index)
{
    for (*index = 0; *index < corpus->count; ++*index)
        if (strcmp(corpus->benchmarks[*index].name, name) == 0)
            return &corpus->benchmarks[*index];
    return NULL;
}

/* False if we were told to stop. */
static bool carry_out(struct session *session, uint32_t index, struct kvm_job_facts *facts)
{
    const struct plan_job *plan = &plan_jobs(session->plan)[index];
    struct kvm_job job = {
        .kvm = session->kvm,
        .blob = session->corpus.file.data,
        .plan = plan,
        .policy = &plan_policies(session->plan)[plan->policy],
        .cpus = session->boot->cpus,
        .pinned = {session->pinned[0], session->pinned[1]},
        .perf = session->boot->events ? &session->perf : NULL,
        .results = session->results,
        .facts = facts,
    };
    const struct benchmark *benchmark = find_row(&session->corpus, plan->benchmark, &job.row_index);

    *facts = (struct kvm_job_facts){0};
    if (!benchmark) {
        facts->status = RESULT_FAILED;
        strcpy(facts->reason, "no such benchmark in the guest blob");
        return true;
    }
    job.row = &benchmark->row;
    const char *why = refusal(plan, job.row, job.policy);
    if (why) {
        facts->status = RESULT_SKIPPED;
        snprintf(facts->reason, sizeof(facts->reason), "%s", why);
        return true;
    }
    facts->seconds = KVM_JOB_SECONDS; /* until it says what it does, and how long that may take */
    facts->deadline = monotonic_seconds() + facts->seconds;
    struct kvm_guard_end end = kvm_guard(run_job, &job, &facts->deadline);
    if (end.how == KVM_GUARD_INTERRUPTED)
        return false;
    judge(&end, facts);
    return true;
}

static void note(struct session *session, uint32_t index, struct kvm_job_facts *facts)
{
    static const char *const words[] = {"not run", "done", "skipped", "failed"};
    const struct plan_job *plan = &plan_jobs(session->plan)[index];
    struct job_result *result = (struct job_result *)(session->results + plan->results_offset);
    struct results_header *header = (struct results_header *)session->results;

    facts->reason[sizeof(facts->reason) - 1] = '\0';
    result->job = index;
    result->status = facts->status;
    result->probe_level = plan->probe_level;
    memcpy(result->reason, facts->reason, sizeof(result->reason));
    header->jobs_done = index + 1;
    if (facts->status == RESULT_DONE)
        kvm_facts_job(facts, plan, session->boot->events ? &session->perf : NULL,
                      &session->monitor->jobs[index]);
    char *line =
        text("job %" PRIu32 "/%" PRIu32 " %s/%s: %s%s%s", index + 1, session->plan->job_count,
             plan->benchmark, plan_policies(session->plan)[plan->policy].name, words[facts->status],
             *facts->reason ? ": " : "", facts->reason);
    fprintf(session->console, "%s\n", line);
    run_progress_note(line);
    run_progress_show();
    free(line);
}

/* Until all are done; why they were not all run, or NULL. */
static char *run_jobs(struct session *session, struct boot_end *end)
{
    double deadline = monotonic_seconds() + session->boot->timeout;

    for (uint32_t i = 0; i < session->plan->job_count; i++) {
        if (monotonic_seconds() > deadline) {
            return text("the jobs did not end within %g s", session->boot->timeout);
        }
        if (interrupt_signal() || !carry_out(session, i, session->facts)) {
            end->signal_number = interrupt_signal();
            return NULL;
        }
        note(session, i, session->facts);
    }
    return NULL;
}

/* Where the vCPUs run: on one CPU each, so that none is moved in the middle of a phase. */
static bool choose_cpus(struct session *session, struct boot_end *end)
{
    cpu_set_t allowed;

    if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
        CPU_ZERO(&allowed);
    for (unsigned i = 0; i < KVM_VCPUS_MAX; i++)
        session->pinned[i] = kvm_schedule_cpu(&allowed, session->boot->pin, i);
    if (session->boot->pin < 0 || session->pinned[0] == session->boot->pin)
        return true;
    end->failure = text("this process may not run on CPU %d", session->boot->pin);
    return false;
}

/* Opens everything. False with end->failure if something is missing. */
static bool open_session(struct session *session, struct boot_end *end)
{
    const struct boot *boot = session->boot;
    char *error = NULL;

    session->kvm = kvm_device_open(&error);
    if (session->kvm < 0) {
        end->failure = error;
        return false;
    }
    if (bytes_map(boot->plan, &session->plan_file) < 0 ||
        !(session->console = fopen(boot->console, "we"))) {
        end->failure = text("cannot prepare the run: %s", strerror(errno));
        return false;
    }
    session->plan = (const struct plan_header *)session->plan_file.data;
    const char *wrong = plan_check(session->plan, session->plan_file.size);
    if (wrong) {
        end->failure = text("%s", wrong);
        return false;
    }
    if (corpus_open(boot->guests, &session->corpus, &end->failure) < 0)
        return false;
    wrong = blob_check(session->corpus.file.data, session->corpus.file.size);
    if (wrong)
        end->failure = text("%s", wrong);
    else if (boot->events && kvm_perf_make(boot->events, &session->perf, &error) < 0)
        end->failure = error;
    return !end->failure && choose_cpus(session, end);
}

static void close_session(struct session *session)
{
    if (session->results)
        munmap(session->results, session->boot->results_size);
    if (session->facts)
        munmap(session->facts, sizeof(*session->facts));
    if (session->console)
        fclose(session->console);
    if (session->kvm >= 0)
        close(session->kvm);
    corpus_close(&session->corpus);
    bytes_unmap(&session->plan_file);
}

static void boot_kvm(const struct boot *boot, struct boot_end *end)
{
    struct session session = {.boot = boot, .kvm = -1};
    char *path = NULL;

    *end = (struct boot_end){0};
    if (open_session(&session, end)) {
        session.facts = mmap(NULL, sizeof(*session.facts), PROT_READ | PROT_WRITE,
                             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (session.facts == MAP_FAILED) {
            session.facts = NULL;
            end->failure = text("no memory: %s", strerror(errno));
        } else {
            path = kvm_results_make(boot, session.plan->job_count, &session.results, &end->failure);
        }
    }
    if (path) {
        end->monitor = session.monitor = monitor_new(session.plan->job_count);
        end->monitor->facts = kvm_facts_json(session.kvm, session.pinned, session.plan);
        end->emulator = kvm_facts_name();
        double began = monotonic_seconds();
        uint64_t ticks = x86_rdtsc();
        char *reason = run_jobs(&session, end);
        kvm_facts_drift(end->monitor, x86_rdtsc() - ticks, monotonic_seconds() - began);
        kvm_facts_notes(end->monitor);
        kvm_results_end(session.results, reason);
        free(reason);
    }
    close_session(&session);
    if (end->failure)
        free(path);
    else
        end->results = path;
}

const struct target target_kvm = {
    .name = "kvm",
    .description = "the same guests on /dev/kvm, KVM being the monitor: real, by the TSC",
    .unit = "TSC cycles",
    .needs = NEEDED_FOR_KVM,
    .own_policy = KVM_OWN_POLICY,
    .timeout = TIMEOUT,
    .results_most = 4 * GIBIBYTE,
    .cpu_models = cpu_models,
    .pmu_models = cpu_pmu_models,
    .boot = boot_kvm,
};
