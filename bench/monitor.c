/* SPDX-License-Identifier: MIT */
#include "monitor.h"

#include "text.h"

#include <stdlib.h>

#define NO_OTHER_CLOCK "the image reads no clock beside the CPU's own"

struct monitor *monitor_new(size_t jobs)
{
    struct monitor *monitor = zeroed(1, sizeof(*monitor));
    monitor->jobs = zeroed(jobs ? jobs : 1, sizeof(*monitor->jobs));
    monitor->job_count = jobs;
    monitor->drift_absent = NO_OTHER_CLOCK;
    return monitor;
}

void monitor_free(struct monitor *monitor)
{
    for (size_t i = 0; monitor && i < monitor->job_count; i++) {
        json_decref(monitor->jobs[i].facts);
        json_decref(monitor->jobs[i].disturbed);
    }
    if (monitor) {
        json_decref(monitor->facts);
        free(monitor->jobs);
    }
    free(monitor);
}

void monitor_count(const struct monitor *monitor, const struct experiment *experiment,
                   struct results *results)
{
    for (size_t i = 0; i < monitor->job_count && i < experiment_all_jobs(experiment); i++) {
        const struct monitor_job *from = &monitor->jobs[i];
        struct job_outcome *outcome = &results->jobs[i];
        if (!from->has_exits || outcome->status != RESULT_DONE || !outcome->has_digest)
            continue;
        outcome->has_exits = outcome->exits_unforeseen = true;
        outcome->exit_operations = outcome->phases[PHASE_OP].operations;
        outcome->interruptions.control = from->interruptions.control;
        outcome->interruptions.op = from->interruptions.op;
        outcome->exits =
            from->op - from->control - (from->interruptions.op - from->interruptions.control);
    }
}

void monitor_explain(const struct monitor *monitor)
{
    size_t index;
    json_t *note;
    json_array_foreach(json_object_get(monitor->facts, "notes"), index, note)
        say("run: %s", json_string_value(note));
}

void monitor_drift(const struct monitor *monitor, json_t *clock)
{
    const char *absent = monitor ? monitor->drift_absent : NO_OTHER_CLOCK;

    json_object_set_new(clock, "drift", absent ? json_null() : json_real(monitor->drift));
    if (absent)
        json_object_set_new(clock, "drift_absent", json_string(absent));
}

json_t *monitor_json(const struct monitor *monitor)
{
    return monitor && monitor->facts ? json_incref(monitor->facts) : json_null();
}

void monitor_add(const struct monitor *monitor, size_t index, json_t *job)
{
    if (!monitor || index >= monitor->job_count)
        return;
    const struct monitor_job *from = &monitor->jobs[index];
    if (from->facts)
        json_object_set(job, "monitor", from->facts);
    json_t *disturbed = json_object_get(json_object_get(job, "validity"), "disturbed");
    if (from->disturbed && disturbed)
        json_array_extend(disturbed, from->disturbed);
}
