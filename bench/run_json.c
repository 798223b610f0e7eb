/* SPDX-License-Identifier: MIT */
/*
 * run.json: what ran, where, how, and where each job's data lies.
 */
#include "calibration.h"
#include "corpus_json.h"
#include "events_json.h"
#include "facts_json.h"
#include "phase_json.h"
#include "run_record.h"
#include "text.h"
#include "validity.h"
#include "verdict.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static json_t *benchmarks_json(const struct experiment *experiment)
{
    json_t *list = json_array();
    for (size_t i = 0; i < experiment->benchmark_count; i++)
        json_array_append_new(list, benchmark_json(experiment->benchmarks[i]));
    return list;
}

static json_t *policies_json(const struct experiment *experiment)
{
    json_t *list = json_array();
    for (size_t i = 0; i < experiment->policy_count; i++) {
        const struct policy *policy = &experiment->policies[i];
        unsigned level =
            experiment->probe_level < 0 ? policy->probe_level : (unsigned)experiment->probe_level;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s}", "name", policy->plan.name, "sha256",
                                        policy->sha256, "probe_level", probe_level_name(level)));
    }
    return list;
}

static json_t *job_json(const struct experiment *experiment, const struct job *job, size_t index,
                        const struct job_outcome *outcome, const struct job_place *place)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:o, s:s, s:s, s:s?, s:o, s:o, s:o, s:o, s:o, "
        "s:o}",
        "index", (json_int_t)index, "name", job->name, "benchmark", job->benchmark->name, "policy",
        job_policy_name(job), "repetition", (json_int_t)job->plan.repetition, "probe_level",
        probe_level_name(outcome->probe_level), "probes_lowered", outcome->lowered, "group",
        (json_int_t)job->plan.group, "events", events_json(experiment, job, outcome), "status",
        result_status_name(outcome->status), "reason", outcome->reason, "prediction",
        verdict_word(outcome), "expected_exits_per_op",
        outcome->has_exits ? json_integer(outcome->expected_exits) : json_null(), "exits_per_op",
        outcome->has_exits ? json_real((double)outcome->exits / outcome->exit_operations)
                           : json_null(),
        "interruptions",
        outcome->has_exits
            ? json_pack("{s:I, s:I}", "control", (json_int_t)outcome->interruptions.control, "op",
                        (json_int_t)outcome->interruptions.op)
            : json_null(),
        "controls", fact_controls(&outcome->controls), "validity",
        validity_json(&outcome->validity), "phases", phases_json(outcome, place));
}

static json_t *jobs_json(const struct experiment *experiment, const struct results *results,
                         const struct job_place *places)
{
    json_t *list = json_array();
    for (size_t i = 0; i < experiment->job_count; i++)
        json_array_append_new(
            list, job_json(experiment, &experiment->jobs[i], i, &results->jobs[i], &places[i]));
    return list;
}

static json_t *run_json(const struct run_facts *facts, const struct experiment *experiment,
                        const struct results *results, const struct job_place *places)
{
    const struct results_header *header = &results->header;
    json_t *build = json_pack("{s:s, s:s, s:s, s:s}", "core_sha256", facts->core_sha256,
                              "guests_sha256", facts->guests_sha256, "compiler", header->compiler,
                              "emulator", facts->emulator ? facts->emulator : "");
    json_t *clock = json_pack("{s:I, s:I, s:n, s:s}", "start", (json_int_t)header->tsc_start, "end",
                              (json_int_t)header->tsc_end, "drift", "drift_absent",
                              "the image reads no clock beside the CPU's own");
    const struct verdict verdict = verdict_of(experiment, results);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, "
        "s:o, "
        "s:o, s:o, s:o, s:o}",
        "schema", "exitmeter.run/3", "status", results->reason[0] ? "failed" : "complete", "reason",
        results->reason, "prediction", verdict_json(&verdict), "created",
        fact_created(facts->created), "command", fact_command(facts), "target", facts->target->name,
        "unit", facts->target->unit, "host", fact_host(), "machine",
        fact_machine(facts, results->readable ? &header->machine : NULL), "build", build, "clock",
        clock, "samples", (json_int_t)experiment->samples, "count_samples",
        (json_int_t)experiment->count_samples, "rounds", (json_int_t)experiment->rounds,
        "repetitions", (json_int_t)experiment->repetitions, "cpus", (json_int_t)experiment->cpus,
        "benchmarks", benchmarks_json(experiment), "policies", policies_json(experiment), "pmu",
        pmu_json(experiment, results), "jobs", jobs_json(experiment, results, places),
        "calibration", calibration_json(experiment, results));
}

int run_record_json(const char *directory, const struct run_facts *facts,
                    const struct experiment *experiment, const struct results *results,
                    const struct job_place *places)
{
    return fact_write(directory, run_json(facts, experiment, results, places), JSON_INDENT(2));
}
