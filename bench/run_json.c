/* SPDX-License-Identifier: MIT */
/*
 * run.json: what ran, where, how, and where each job's data lies.
 */
#include "calibration.h"
#include "corpus_json.h"
#include "events_json.h"
#include "phase_json.h"
#include "run_record.h"
#include "text.h"
#include "validity.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Numbers that are bits rather than amounts are strings: readers see, and JSON keeps, all of them.
 */
static json_t *hex(unsigned digits, uint64_t value)
{
    return json_sprintf("0x%0*" PRIx64, (int)digits, value);
}

/* A string that may not be UTF-8. */
static json_t *any_string(const char *string)
{
    json_t *json = json_string(string);
    if (json)
        return json;
    char *safe = printable(text("%s", string));
    json = json_string(safe);
    free(safe);
    return json;
}

static json_t *command_json(const struct run_facts *facts)
{
    json_t *list = json_array();
    for (size_t i = 0; i < facts->command_count; i++)
        json_array_append_new(list, any_string(facts->command[i]));
    return list;
}

static json_t *created_json(time_t created)
{
    char date[32];
    struct tm utc;
    gmtime_r(&created, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return json_string(date);
}

static json_t *host_json(void)
{
    struct utsname name;
    char *line = NULL, *cpu = NULL;
    size_t size = 0;
    FILE *info = fopen("/proc/cpuinfo", "re");
    uname(&name);
    while (info && !cpu && getline(&line, &size, info) > 0)
        if (strncmp(line, "model name", 10) == 0 && strchr(line, ':')) {
            line[strcspn(line, "\n")] = '\0';
            cpu = text("%s", strchr(line, ':') + 1 + (strchr(line, ':')[1] == ' '));
        }
    if (info)
        fclose(info);
    free(line);
    json_t *host = json_pack("{s:o, s:o, s:o}", "hostname", any_string(name.nodename), "kernel",
                             any_string(name.release), "cpu", any_string(cpu ? cpu : ""));
    free(cpu);
    return host;
}

/* Facts that the image did not get to report are left out. */
static json_t *machine_json(const struct run_facts *facts, const struct results *results)
{
    const struct machine_facts *machine = &results->header.machine;
    json_t *json = json_pack("{s:s}", "cpu_model", facts->cpu_model);
    if (!results->readable)
        return json;
    const struct {
        const char *name;
        uint64_t value;
    } capabilities[] = {
        {"vmx_basic", machine->vmx_basic},
        {"pin_based", machine->pin_based},
        {"primary", machine->primary},
        {"secondary", machine->secondary},
        {"exit", machine->exit},
        {"entry", machine->entry},
        {"ept_vpid", machine->ept_vpid},
        {"misc", machine->misc},
        {"feature_control", machine->feature_control},
    };
    json_t *list = json_object();
    for (size_t i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++)
        json_object_set_new(list, capabilities[i].name, hex(16, capabilities[i].value));
    json_object_set_new(json, "vendor", json_string(machine->vendor));
    json_object_set_new(json, "brand", json_string(machine->brand));
    json_object_set_new(json, "signature", hex(8, machine->signature));
    json_object_set_new(json, "memory_bytes", json_integer((json_int_t)machine->memory_bytes));
    json_object_set_new(json, "capabilities", list);
    return json;
}

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

static json_t *controls_json(const struct controls_in_force *controls)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:I, s:o}", "pin_based",
                     hex(8, controls->pin_based), "primary", hex(8, controls->primary), "secondary",
                     hex(8, controls->secondary), "exit", hex(8, controls->exit), "entry",
                     hex(8, controls->entry), "vpid", (json_int_t)controls->vpid, "ept_pointer",
                     hex(16, controls->ept_pointer));
}

static json_t *job_json(const struct experiment *experiment, const struct job *job, size_t index,
                        const struct job_outcome *outcome, const struct job_place *place)
{
    return json_pack(
        "{s:I, s:s, s:s, s:s, s:I, s:s, s:s, s:I, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
        "index", (json_int_t)index, "name", job->name, "benchmark", job->benchmark->name, "policy",
        job_policy_name(job), "repetition", (json_int_t)job->plan.repetition, "probe_level",
        probe_level_name(outcome->probe_level), "probes_lowered", outcome->lowered, "group",
        (json_int_t)job->plan.group, "events", events_json(experiment, job, outcome), "status",
        result_status_name(outcome->status), "reason", outcome->reason, "expected_exits_per_op",
        outcome->has_exits ? json_integer(outcome->expected_exits) : json_null(), "exits_per_op",
        outcome->has_exits ? json_real((double)outcome->exits / outcome->exit_operations)
                           : json_null(),
        "interruptions",
        outcome->has_exits
            ? json_pack("{s:I, s:I}", "control", (json_int_t)outcome->interruptions.control, "op",
                        (json_int_t)outcome->interruptions.op)
            : json_null(),
        "controls", controls_json(&outcome->controls), "validity",
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
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, "
        "s:o, s:o, s:o, s:o}",
        "schema", "exitmeter.run/3", "status", results->reason[0] ? "failed" : "complete", "reason",
        results->reason, "created", created_json(facts->created), "command", command_json(facts),
        "target", facts->target->name, "unit", facts->target->unit, "host", host_json(), "machine",
        machine_json(facts, results), "build", build, "clock", clock, "samples",
        (json_int_t)experiment->samples, "count_samples", (json_int_t)experiment->count_samples,
        "rounds", (json_int_t)experiment->rounds, "repetitions",
        (json_int_t)experiment->repetitions, "cpus", (json_int_t)experiment->cpus, "benchmarks",
        benchmarks_json(experiment), "policies", policies_json(experiment), "pmu",
        pmu_json(experiment, results), "jobs", jobs_json(experiment, results, places),
        "calibration", calibration_json(experiment, results));
}

int run_record_json(const char *directory, const struct run_facts *facts,
                    const struct experiment *experiment, const struct results *results,
                    const struct job_place *places)
{
    json_t *json = run_json(facts, experiment, results, places);
    char *dump = json ? json_dumps(json, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    if (!dump)
        return -1;
    char *content = text("%s\n", dump), *path = text("%s/run.json", directory);
    int result = file_write(path, content, strlen(content));
    free(path);
    free(content);
    free(dump);
    json_decref(json);
    return result;
}
