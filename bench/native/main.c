/* SPDX-License-Identifier: MIT */
/*
 * bench-harness: the harness's own hot code, timed natively by Google Benchmark. Arguments are
 * Google Benchmark's: --benchmark_filter, --benchmark_repetitions, --benchmark_out and so on; with
 * --layout alone it prints layout.json, for the trace reader's turn (ci/trace_speed.py).
 */
#include "../benchmark_shim.h"
#include "../digest.h"
#include "../exit_proof.h"
#include "../places.h"
#include "../policy.h"
#include "../policy_file.h"
#include "../policy_show.h"
#include "../results.h"
#include "../text.h"
#include "../trace_layout.h"
#include "../trace_stream.h"
#include "results.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SAMPLES 100000u

/* What is worked on; none of it changes while it is timed. */
struct bench {
    struct made_up run;
    struct results results; /* of the run */
    struct bytes policy_text;
    struct policy policy;
    char directory[32];
};

static void check(bool done, const char *what)
{
    if (!done) {
        fprintf(stderr, "bench-harness: %s failed\n", what);
        exit(1);
    }
}

static void compile_policy(void *context)
{
    struct bench *bench = context;
    struct policy policy;
    struct policy_error error;
    check(policy_compile("p", (const char *)bench->policy_text.data, bench->policy_text.size,
                         &policy, &error) == 0,
          "policy_compile");
}

static void write_policy_text(void *context)
{
    struct bench *bench = context;
    free(policy_text(&bench->policy));
}

static void read_results(void *context)
{
    struct bench *bench = context;
    struct results results;
    results_read(&bench->run.experiment, &bench->run.region, &results);
    check(results.jobs[0].status == RESULT_DONE, "results_read");
    results_free(&results);
}

static void prove_exits(void *context)
{
    struct bench *bench = context;
    struct job_outcome outcome = bench->results.jobs[0];
    exit_proof(&bench->run.experiment.jobs[0], &outcome);
    check(outcome.status == RESULT_DONE, "exit_proof");
}

static void make_digest(void *context)
{
    struct bench *bench = context;
    const struct phase_outcome *phases = bench->results.jobs[0].phases;
    struct digest digest;
    digest_make(phases[PHASE_CONTROL].sample, SAMPLES, phases[PHASE_OP].sample, SAMPLES, &digest);
    check(digest.max > 0, "digest_make");
}

static void write_trace(void *context)
{
    struct bench *bench = context;
    char name[TRACE_STREAM_NAME];
    struct trace_streams *streams = trace_streams_open(bench->directory);
    for (int phase = 0; phase < PHASE_COUNT; phase++)
        trace_streams_add(streams, bench->results.jobs[0].phases[phase].packet, name);
    check(trace_streams_close(streams) == 0, "trace_streams_close");
}

static void make_plan(void *context)
{
    struct bench *bench = context;
    size_t size;
    free(experiment_plan(&bench->run.experiment, 0, &size));
}

static void make_metadata(void *context)
{
    (void)context;
    free(trace_metadata("ticks"));
}

static void set_up(struct bench *bench)
{
    char *path = text("%s/%s/%s", places_root(), PLACE_POLICIES, "reference-default.policy");
    char *error;

    made_up_make(&bench->run, SAMPLES);
    results_read(&bench->run.experiment, &bench->run.region, &bench->results);
    check(bench->results.jobs[0].status == RESULT_DONE, "the made-up run");
    check(bytes_map(path, &bench->policy_text) == 0, path);
    check(policy_load(path, &bench->policy, &error) == 0, path);
    free(path);
    strcpy(bench->directory, "/tmp/bench-harness-XXXXXX");
    check(mkdtemp(bench->directory), "mkdtemp");
    path = text("%s/trace", bench->directory);
    check(mkdir(path, 0777) == 0, path);
    free(path);
}

int main(int argc, char **argv)
{
    struct bench bench = {0};
    if (argc == 2 && strcmp(argv[1], "--layout") == 0) {
        char *layout = trace_layout_json();
        puts(layout);
        free(layout);
        return 0;
    }
    places_find();
    set_up(&bench);
    uint64_t op_records = bench.results.jobs[0].phases[PHASE_CONTROL].records +
                          bench.results.jobs[0].phases[PHASE_OP].records;
    const struct shim_case cases[] = {
        {"policy_compile/reference-default", compile_policy, &bench, 0, 0},
        {"policy_text/reference-default", write_policy_text, &bench, 0, 0},
        {"results_read/records", read_results, &bench, bench.run.records, 0},
        {"exit_proof/records", prove_exits, &bench, op_records, op_records * 64},
        {"digest_make/samples", make_digest, &bench, SAMPLES, 0},
        {"trace_write/records", write_trace, &bench, bench.run.records, bench.run.records * 64},
        {"experiment_plan", make_plan, &bench, 0, 0},
        {"trace_metadata", make_metadata, &bench, 0, 0},
    };
    int result = shim_time(argc, argv, cases, sizeof(cases) / sizeof(cases[0]));
    tree_remove(bench.directory);
    results_free(&bench.results);
    bytes_unmap(&bench.policy_text);
    made_up_free(&bench.run);
    return result < 0 ? 2 : 0;
}
