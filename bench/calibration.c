/* SPDX-License-Identifier: MIT */
#include "calibration.h"

#include "text.h"

#include <string.h>

#define SAMPLES_MOST 1000u

/* Nothing in the way, the counters included. */
static const char policy_text[] = "default msr passthrough\n"
                                  "default io passthrough\n"
                                  "control rdtsc-exiting off\n"
                                  "control rdpmc-exiting off\n";

/* The reference of the probe levels stands in front of them. */
enum {
    EMPTY,
    OFF,
    COUNTS,
    STAMPS,
    FULL,
    HARDWARE,
    PMU,
    FIRST_INSTRUCTION,
};

static const struct {
    const char *name;
    const char *row;
    enum probe_level level;
    const char *what;
} items[] = {
    [EMPTY] = {"sample", "calibrate/lfence", PROBE_OFF, "a sample with nothing in it"},
    [OFF] = {"cpuid", "cpuid", PROBE_OFF, "CPUID without probes, against which the levels stand"},
    [COUNTS] = {"probes_counts", "cpuid", PROBE_COUNTS, "what the level counts adds to it"},
    [STAMPS] = {"probes_stamps", "cpuid", PROBE_STAMPS, "what the level stamps adds to it"},
    [FULL] = {"probes_full", "cpuid", PROBE_FULL, "what the level full adds to it"},
    [HARDWARE] = {"probes_hardware", "cpuid", PROBE_HARDWARE, "what the level hardware adds to it"},
    [PMU] = {"probes_pmu", "cpuid", PROBE_PMU, "what counting events adds to it"},
    {"lfence", "calibrate/lfence", PROBE_OFF, "LFENCE alone"},
    {"rdtsc", "calibrate/rdtsc", PROBE_OFF, "RDTSC alone"},
    {"rdtscp", "calibrate/rdtscp", PROBE_OFF, "RDTSCP alone"},
    {"rdpmc", "calibrate/rdpmc", PROBE_OFF, "RDPMC alone"},
};

_Static_assert(sizeof(items) / sizeof(items[0]) == CALIBRATION_FIGURES, "one figure an item");

static const struct benchmark *find(const struct corpus *corpus, const char *name)
{
    for (uint32_t i = 0; i < corpus->count; i++)
        if (strcmp(corpus->benchmarks[i].name, name) == 0)
            return &corpus->benchmarks[i];
    return NULL;
}

static bool measures(const struct experiment *experiment)
{
    for (size_t i = 0; i < experiment->job_count; i++)
        if (!benchmark_is_check(experiment->jobs[i].benchmark))
            return true;
    return false;
}

void calibration_add(struct experiment *experiment, const struct corpus *corpus)
{
    struct policy *policy = &experiment->policies[experiment->policy_count];
    struct policy_error error;
    uint32_t samples = experiment->samples < SAMPLES_MOST ? experiment->samples : SAMPLES_MOST;

    if (!measures(experiment))
        return;
    if (policy_compile(PLAN_CALIBRATION, policy_text, sizeof(policy_text) - 1, policy, &error) < 0)
        return; /* then every figure is absent */
    for (uint32_t item = 0; item < CALIBRATION_FIGURES; item++) {
        const struct benchmark *benchmark = find(corpus, items[item].row);
        bool counts = items[item].level == PROBE_PMU;
        if (!benchmark || (counts && !experiment->pmu.group_count))
            continue;
        struct job *job = &experiment->jobs[experiment->job_count + experiment->calibrations++];
        *job = (struct job){
            .plan = {.policy = (uint32_t)experiment->policy_count,
                     .probe_level = items[item].level,
                     .group = counts,
                     .samples = samples,
                     .count_samples = experiment->count_samples,
                     .time_limit = experiment_time_limit(experiment),
                     .exits_room = job_exits_room(benchmark),
                     .rounds = 1},
            .benchmark = benchmark,
            .policy = policy,
            .events = counts ? &experiment->pmu.groups[0] : NULL,
            .name = text("calibration/%s", items[item].name),
            .calibration = item,
        };
        strcpy(job->plan.benchmark, benchmark->name); /* the corpus checked its length */
    }
}

/* The outcome of an item's job; NULL if it has none. */
static const struct job_outcome *outcome_of(const struct experiment *experiment,
                                            const struct results *results, uint32_t item)
{
    for (size_t i = 0; i < experiment->calibrations; i++)
        if (experiment->jobs[experiment->job_count + i].calibration == item)
            return &results->jobs[experiment->job_count + i];
    return NULL;
}

static const char *why_absent(const struct experiment *experiment,
                              const struct job_outcome *outcome, uint32_t item)
{
    if (!experiment->calibrations)
        return "the run measured nothing";
    if (!outcome && items[item].level == PROBE_PMU && !experiment->pmu.group_count)
        return "the run asks for no events";
    if (!outcome)
        return "the guest blob has no row for it";
    if (outcome->status == RESULT_DONE && outcome->probe_level != items[item].level)
        return outcome->lowered;
    if (outcome->status == RESULT_DONE && outcome->has_digest)
        return NULL;
    return outcome->reason[0] ? outcome->reason : "not run";
}

void calibration_read(const struct experiment *experiment, const struct results *results,
                      struct calibration_figure figures[CALIBRATION_FIGURES])
{
    const struct job_outcome *off = outcome_of(experiment, results, OFF);

    for (uint32_t item = 0; item < CALIBRATION_FIGURES; item++) {
        const struct job_outcome *outcome = outcome_of(experiment, results, item);
        struct calibration_figure *figure = &figures[item];
        int64_t less = 0;
        *figure = (struct calibration_figure){.name = items[item].name, .what = items[item].what};
        figure->absent = why_absent(experiment, outcome, item);
        if (!figure->absent && item > OFF && item < FIRST_INSTRUCTION) {
            figure->absent = why_absent(experiment, off, OFF);
            less = figure->absent ? 0 : off->digest.p50;
        }
        if (figure->absent)
            continue;
        const struct digest *digest = &outcome->digest;
        figure->samples = outcome->phases[PHASE_OP].samples;
        figure->min = item == EMPTY ? digest->control : digest->min - less;
        figure->p50 = item == EMPTY ? digest->control : digest->p50 - less;
        figure->max = item == EMPTY ? digest->control : digest->max - less;
    }
}

json_t *calibration_json(const struct experiment *experiment, const struct results *results)
{
    struct calibration_figure figures[CALIBRATION_FIGURES];
    json_t *json = json_object();

    calibration_read(experiment, results, figures);
    for (uint32_t i = 0; i < CALIBRATION_FIGURES; i++) {
        const struct calibration_figure *figure = &figures[i];
        json_object_set_new(
            json, figure->name,
            figure->absent
                ? json_pack("{s:s, s:s}", "what", figure->what, "absent", figure->absent)
                : json_pack("{s:s, s:I, s:I, s:I, s:I}", "what", figure->what, "n",
                            (json_int_t)figure->samples, "min", (json_int_t)figure->min, "p50",
                            (json_int_t)figure->p50, "max", (json_int_t)figure->max));
    }
    return json;
}
