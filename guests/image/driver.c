/* SPDX-License-Identifier: MIT */
#include "driver.h"

#include "../../core/vmx/dump.h"
#include "../../core/x86/instructions.h"
#include "events.h"
#include "fold.h"
#include "guest_memory.h"
#include "guest_start.h"
#include "large_pages.h"
#include "machine.h"
#include "plan_check.h"
#include "requirement.h"
#include "requirement_access.h"
#include "room.h"
#include "root_job.h"
#include "say.h"
#include "validity.h"

#include <string.h>

_Static_assert(sizeof(COMPILER) <= sizeof((struct results_header){0}.compiler), "fits, with NUL");

static const struct blob_row *find_row(const void *blob, const char *name, uint32_t *index)
{
    for (*index = 0; *index < blob_header(blob)->row_count; ++*index) {
        const struct blob_row *row = &blob_rows(blob)[*index];
        const char *candidate = blob_at(blob, row->name);
        size_t i = 0;
        while (name[i] && name[i] == candidate[i])
            i++;
        if (name[i] == candidate[i])
            return row;
    }
    return NULL;
}

/* The exit stub and with it the probe level of a phase; level is that of the measured ones. */
static enum vcpu_path path_of(const struct blob_row *row, enum phase phase, uint32_t level)
{
    if (phase < PHASE_CONTROL)
        return VCPU_PATH_FULL;
    return row->flags & ROW_FLOOR ? VCPU_PATH_FLOOR : (enum vcpu_path)level;
}

static bool writes_records(enum vcpu_path path)
{
    return path >= VCPU_PATH_STAMPS && path <= VCPU_PATH_PMU;
}

/* As the guest starts with them. */
void driver_note_controls(const struct vcpu *vcpu, struct controls_in_force *into)
{
    const uint32_t *controls = vcpu->controls;

    *into = (struct controls_in_force){
        .pin_based = controls[CONTROL_PIN_BASED],
        .primary = controls[CONTROL_PRIMARY],
        .secondary = controls[CONTROL_SECONDARY],
        .exit = controls[CONTROL_EXIT],
        .entry = controls[CONTROL_ENTRY],
        .vpid = controls[CONTROL_SECONDARY] & SECONDARY_VPID ? vcpu->vpid : 0,
        .ept_pointer = vcpu->ept->pointer,
    };
}

_Static_assert(PLATFORM_CPUS_MAX <= PACKET_CPUS_MAX, "a stream for each CPU");

/* One phase of a job, and where its data goes. */
struct phase_run {
    const struct plan_job *job;
    enum phase phase;
    enum vcpu_path path;
    struct packet_origin origin;
    struct vcpu_start start;
    struct controls_in_force *controls;
    struct phase_result *out;
    char *packet;
    uint64_t packet_size;
    struct sample *samples;
    bool logged;
    struct phase_folded *folded; /* NULL if there is one round */
    struct other *other;         /* NULL if the row takes one CPU */
};

/* Enters the guest once, from its start to the hypercall that ends the phase. */
static bool run_round(struct room *room, struct phase_run *run)
{
    struct probe_cpu *probes = room->driver->probes;
    struct phase_result *out = run->out;
    bool recorded = writes_records(run->path);
    uint64_t discarded = 0;

    if (run->logged)
        dirty_log_start(&room->log);
    demand_take_back(&room->demand); /* room_furnish() has seen that it can */
    bool started = vcpu_start(room->vcpu, &run->start);
    driver_note_controls(room->vcpu, run->controls);
    if (!started)
        return false;
    vcpu_set_path(room->vcpu, run->path);
    vcpu_set_time_limit(room->vcpu, (uint64_t)run->job->time_limit << 20);
    if (recorded)
        ring_open(probes, run->packet, run->packet_size, run->origin, x86_rdtsc());
    if (run->other)
        other_begin(run->other);
    bool done = vcpu_run(room->vcpu)->cause == STOP_PHASE_DONE;
    if (recorded) {
        discarded = probes->discarded;
        out->records = ring_close(probes, x86_rdtsc());
        out->discarded = discarded;
    }
    if (run->other && !other_end(run->other, done))
        return false;
    if (!done)
        return false;
    out->samples = phase_samples(run->job, run->phase);
    memcpy(run->samples, room->guest_memory + GUEST_SAMPLES_BASE,
           out->samples * sizeof(struct sample));
    if (run->folded)
        fold_round(run->folded, run->samples, out->samples,
                   recorded ? (const struct packet_header *)run->packet : NULL, out->records,
                   discarded);
    return true;
}

static bool run_phase(struct room *room, const struct plan_job *job, uint32_t job_index,
                      uint32_t row_index, enum phase phase, struct job_result *result)
{
    struct driver *driver = room->driver;
    struct phase_result *out = &result->phases[phase];
    const struct blob_row *row = &blob_rows(driver->blob)[row_index];
    enum vcpu_path path = path_of(row, phase, result->probe_level);
    char *base = (char *)driver->results;
    const struct phase_places at = phase_places(job, phase);
    struct phase_run run = {
        .job = job,
        .phase = phase,
        .path = path,
        .origin = {platform_cpu_number(), job_index, phase, path},
        .start = guest_start(blob_header(driver->blob), row),
        .controls = &result->controls,
        .out = out,
        .packet = base + at.packet,
        .packet_size = phase_packet_used(job, phase, path),
        .samples = (struct sample *)(base + at.samples),
        .logged = row->flags & ROW_LOGGED,
    };

    run.start.rdi = row_index;
    if (row->requires & ROW_REQUIRES_TWO_CPUS) {
        run.other = &room->other;
        run.other->policy = &room->policy;
        run.other->time_limit = (uint64_t)job->time_limit << 20;
        run.other->start = run.start;
        run.other->start.rsi = GUEST_OTHER;
        run.other->start.rsp = GUEST_OTHER_STACK;
    }
    run.start.rsi = phase_code(phase);
    run.start.rdx = phase_samples(job, phase);
    if (writes_records(path))
        out->packet_offset = at.packet;
    if (phase_folded_size(job, phase)) {
        out->folded_offset = at.folded;
        run.folded = (struct phase_folded *)(base + at.folded);
    }
    driver->probes->totals = (struct probe_totals){0};
    bool done = true;
    for (uint32_t round = 0; done && round < phase_rounds(job, phase); round++)
        done = run_round(room, &run);
    dirty_log_end(&room->log);
    if (done)
        out->samples_offset = at.samples;
    if (path == VCPU_PATH_COUNTS) {
        out->totals_offset = at.totals;
        memcpy(base + at.totals, &driver->probes->totals, sizeof(driver->probes->totals));
    }
    return done;
}

/* Which CPU's stop is to be told: the second's, unless that only followed the first's. */
static bool second_failed(const struct room *room, const struct blob_row *row)
{
    enum stop_cause first = room->vcpu->stop.cause, second = room->other.stop.cause;

    if (!(row->requires & ROW_REQUIRES_TWO_CPUS) || second == STOP_PHASE_DONE ||
        second == STOP_KICKED)
        return false;
    return first == STOP_PHASE_DONE || first == STOP_KICKED || first == STOP_TIME_LIMIT;
}

static void say_failure(char *reason, size_t size, const struct room *room,
                        const struct blob_row *row)
{
    if (second_failed(room, row)) {
        say(reason, size, "second CPU: ");
        say_stop(reason, size, &room->other.stop);
        return;
    }
    say_stop(reason, size, &room->vcpu->stop);
    vcpu_dump(room->vcpu);
}

static enum result_status run_phases(struct room *room, const struct plan_job *job,
                                     uint32_t job_index, uint32_t row_index,
                                     struct job_result *result)
{
    const struct blob_row *row = &blob_rows(room->driver->blob)[row_index];

    for (int phase = 0; phase < PHASE_COUNT; phase++) {
        validity_note(&result->validity, (enum phase)phase);
        if (phase == PHASE_TWICE && !row->twice)
            continue;
        if (!run_phase(room, job, job_index, row_index, (enum phase)phase, result)) {
            say_failure(result->reason, sizeof(result->reason), room, row);
            return RESULT_FAILED;
        }
    }
    return RESULT_DONE;
}

static enum result_status run_job(struct room *room, uint32_t job_index, struct job_result *result)
{
    const struct driver *driver = room->driver;
    const struct plan_job *job = &plan_jobs(driver->plan)[job_index];
    uint32_t row_index;
    const struct blob_row *row = find_row(driver->blob, job->benchmark, &row_index);

    if (!row) {
        say(result->reason, sizeof(result->reason), "no such benchmark in the guest blob");
        return RESULT_FAILED;
    }
    if (row->flags & ROW_ROOT) {
        const char *reason;
        enum result_status status = root_job_run(room, job, result, &reason);
        say(result->reason, sizeof(result->reason), reason ? reason : "");
        return status;
    }
    local_apic_reset(&room->vcpu->apic, platform_cpu_number());
    room_set_ports(room, row->flags & ROW_PORTS);
    room->cr3_target = row->flags & ROW_CR3_TARGET;
    if (!room_apply(room, &plan_policies(driver->plan)[job->policy])) {
        const struct vcpu_stop *stop = &room->vcpu->stop;
        say_stop(result->reason, sizeof(result->reason), stop);
        return stop->cause == STOP_CONTROL_REFUSED ? RESULT_SKIPPED : RESULT_FAILED;
    }
    const char *lack = guest_lacks(row, room->vcpu);
    if (!lack)
        lack = guest_lacks_access(row, &plan_policies(driver->plan)[job->policy]);
    if (row->requires & ROW_REQUIRES_TWO_CPUS) {
        if (!room->other.vcpu)
            lack = driver->plan->cpus < 2 ? "one CPU only; run with --cpus 2"
                                          : "this machine has one CPU only";
        else
            other_connect(&room->other);
    }
    if (!lack)
        lack = large_pages_provide(room, row, job);
    if (lack) {
        say(result->reason, sizeof(result->reason), lack);
        return RESULT_SKIPPED;
    }
    guest_memory_load(room->guest_memory, driver->blob);
    device_reset(&room->device);
    result->probe_level = events_begin(room, job, result);
    enum result_status status = run_phases(room, job, job_index, row_index, result);
    events_end(room);
    large_pages_withdraw(room);
    return status;
}

void driver_describe(struct driver *driver)
{
    machine_describe(&driver->results->machine, &driver->vmx->capability);
    memcpy(driver->results->compiler, COMPILER, sizeof(COMPILER));
}

const char *driver_run(struct driver *driver)
{
    static const char *const words[] = {"not run", "done", "skipped", "failed"};
    struct room room = {.driver = driver};
    struct results_header *results = driver->results;
    const char *wrong = blob_check(driver->blob, driver->blob_size);

    if (wrong)
        return wrong;
    driver_describe(driver);
    wrong = room_furnish(&room, &driver->vmx->capability);
    if (wrong)
        return wrong;
    for (uint32_t i = 0; i < driver->plan->job_count; i++) {
        const struct plan_job *job = &plan_jobs(driver->plan)[i];
        struct job_result *result = (struct job_result *)((char *)results + job->results_offset);
        result->job = i;
        result->status = run_job(&room, i, result);
        results->jobs_done = i + 1;
        platform_log("job %u/%u %s/%s: %s%s%s\n", i + 1, driver->plan->job_count, job->benchmark,
                     plan_policies(driver->plan)[job->policy].name, words[result->status],
                     *result->reason ? ": " : "", result->reason);
    }
    room_clear(&room);
    return NULL;
}
