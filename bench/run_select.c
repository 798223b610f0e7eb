/* SPDX-License-Identifier: MIT */
/*
 * From names on the command line to jobs.
 */
#include "benchmark_shim.h"
#include "calibration.h"
#include "nearest.h"
#include "pmu_wanted.h"
#include "run_options.h"
#include "text.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_SAMPLES_MOST 100u
#define MEBIBYTE           1048576.0

/* What is no benchmark is asked for by the name of its kind only. */
static bool matches(const char *pattern, const struct benchmark *benchmark)
{
    static const struct {
        uint32_t flag;
        const char *prefix;
    } kinds[] = {{ROW_CHECK, "check/"}, {ROW_CALIBRATION, "calibrate/"}};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (benchmark->row.flags & kinds[i].flag &&
            strncmp(pattern, kinds[i].prefix, strlen(kinds[i].prefix)) != 0)
            return false;
    return fnmatch(pattern, benchmark->name, 0) == 0;
}

/* Whether the pattern matches any benchmark; says so if not. */
static bool pattern_useful(const char *pattern, const struct corpus *corpus)
{
    const char **names = zeroed(corpus->count, sizeof(*names));
    bool useful = false;
    for (uint32_t i = 0; i < corpus->count; i++) {
        names[i] = corpus->benchmarks[i].name;
        useful |= matches(pattern, &corpus->benchmarks[i]);
    }
    if (!useful) {
        char *hint = nearest_hint(pattern, names, corpus->count);
        say("run: no benchmark matches '%s'%s; `exitmeter list` shows all", pattern, hint);
        free(hint);
    }
    free(names);
    return useful;
}

static bool select_benchmarks(char *const *patterns, const struct target *target,
                              const struct corpus *corpus, struct experiment *experiment)
{
    bool all = !patterns;
    static char *const everything[] = {(char *)(uintptr_t) "*", NULL};
    patterns = patterns ? patterns : everything;
    for (char *const *pattern = patterns; *pattern; pattern++)
        if (!pattern_useful(*pattern, corpus))
            return false;
    experiment->benchmarks = zeroed(corpus->count, sizeof(*experiment->benchmarks));
    for (uint32_t i = 0; i < corpus->count; i++) {
        bool chosen = false;
        if (all && target->own_policy && corpus->benchmarks[i].row.flags & (ROW_ROOT | ROW_FLOOR))
            continue; /* our own core's, of which there is none */
        for (char *const *pattern = patterns; *pattern && !chosen; pattern++)
            chosen = matches(*pattern, &corpus->benchmarks[i]);
        if (chosen)
            experiment->benchmarks[experiment->benchmark_count++] = &corpus->benchmarks[i];
    }
    return true;
}

/* Drops the jobs that --benchmark_filter does not select, before any is run. */
static bool filter_jobs(const char *filter, struct experiment *experiment)
{
    const char **names = zeroed(experiment->job_count, sizeof(*names));
    bool *keep = zeroed(experiment->job_count, sizeof(*keep)), done = false;
    char *error;
    for (size_t i = 0; i < experiment->job_count; i++)
        names[i] = experiment->jobs[i].name;
    if (shim_filter(filter, names, experiment->job_count, keep, &error) < 0) {
        say("run: --benchmark_filter=%s: %s", filter, error);
        free(error);
    } else {
        experiment_keep_jobs(experiment, keep);
        done = experiment->job_count > 0;
        if (!done)
            say("run: --benchmark_filter=%s matches no job; --benchmark_list_tests shows all",
                filter);
    }
    free(names);
    free(keep);
    return done;
}

/* Encodes the events, if any are asked for. */
static int select_events(const struct run_options *options, struct experiment *experiment)
{
    const char *name = options->pmu_model;
    char *error;
    int code;

    if (!options->pmu || options->target->own_policy) /* the host's kernel counts those */
        return CODE_DONE;
    if (!name)
        name = target_pmu_model(options->target, options->cpu_model);
    if (!name) {
        say("run: no PMU model is known of CPU model %s; name one with --pmu-model",
            options->cpu_model);
        return CODE_USAGE;
    }
    const struct pmu_model *model = pmu_model_wanted("run", name, &code);
    if (!model)
        return code;
    if (pmu_groups_make(options->pmu, model, &experiment->pmu, &error) == 0)
        return CODE_DONE;
    say("run: --pmu: %s", error);
    free(error);
    return CODE_USAGE;
}

static bool fits(const struct run_options *options, const struct experiment *experiment)
{
    if (experiment->results_size <= options->target->results_most)
        return true;
    say("run: %zu jobs of %" PRIu32 " samples need %.0f MiB for results, target %s holds %.0f MiB; "
        "lower --samples or choose fewer with --guest, --policy, --pmu or --benchmark_filter",
        experiment->job_count, experiment->samples, (double)experiment->results_size / MEBIBYTE,
        options->target->name, (double)options->target->results_most / MEBIBYTE);
    return false;
}

int run_select(const struct run_options *options, const struct corpus *corpus,
               struct experiment *experiment)
{
    uint32_t samples = options->samples;
    *experiment = (struct experiment){
        .samples = samples,
        .count_samples = samples < COUNT_SAMPLES_MOST ? samples : COUNT_SAMPLES_MOST,
        .rounds = options->rounds,
        .repetitions = options->gb.repetitions,
        .cpus = options->cpus,
        .time_limit = options->target->time_limit,
        .probe_level = options->target->own_policy ? PROBE_OFF : options->probe_level,
        .host_timer = options->host_timer,
    };
    int code = select_events(options, experiment);
    if (code != CODE_DONE)
        return code;
    if (!select_benchmarks(options->guests, options->target, corpus, experiment) ||
        !run_select_policies(options->policies, options->target, experiment))
        return CODE_USAGE;
    for (size_t i = 0; options->host_timer && i < experiment->benchmark_count; i++)
        if (!benchmark_is_check(experiment->benchmarks[i])) {
            say("run: --host-timer is for checks: its interrupts would be measured with '%s'",
                experiment->benchmarks[i]->name);
            return CODE_USAGE;
        }
    experiment_make_jobs(experiment, options->target->name);
    if (!filter_jobs(options->gb.filter, experiment))
        return CODE_USAGE;
    if (experiment->job_count > PLAN_JOBS_MAX - CALIBRATIONS_MAX) {
        say("run: %zu jobs; at most %u fit into one run", experiment->job_count,
            PLAN_JOBS_MAX - CALIBRATIONS_MAX);
        return CODE_USAGE;
    }
    if (options->gb.random_interleaving)
        experiment_shuffle(experiment);
    calibration_add(experiment, corpus);
    experiment_lay_out(experiment);
    return fits(options, experiment) ? CODE_DONE : CODE_USAGE;
}
