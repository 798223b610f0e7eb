/* SPDX-License-Identifier: MIT */
#include "experiment.h"

#include "row_exits.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLE_SEED 0x657869746d657465ull /* any; the same each time */

/*
 * Two where the row says less: some fail by taking more, and their records show it. Where something
 * has been set up for the operation, its preparation may take exits too, the control's as well.
 */
uint32_t job_exits_room(const struct benchmark *benchmark)
{
    unsigned most = row_exits_most(&benchmark->row) + (benchmark->row.setup ? 2 : 0);
    return most < 2 ? 2 : most < ROW_EXITS_MOST ? most : ROW_EXITS_MOST;
}

static struct job make_job(const struct experiment *experiment, const char *target,
                           const struct benchmark *benchmark, uint32_t policy, uint32_t repetition,
                           uint32_t group)
{
    const struct policy *under = &experiment->policies[policy];
    bool root = benchmark_is_root(benchmark);
    bool check = benchmark_is_check(benchmark); /* runs once, whatever was asked for */
    unsigned level =
        experiment->probe_level < 0 ? under->probe_level : (unsigned)experiment->probe_level;
    struct job job = {
        .plan = {.policy = policy,
                 .repetition = repetition,
                 .probe_level = root                           ? PROBE_OFF
                                : level == PROBE_PMU && !group ? PROBE_HARDWARE
                                                               : level,
                 .group = group,
                 .samples = check ? 1 : experiment->samples,
                 .count_samples = check ? 1 : experiment->count_samples,
                 .time_limit = experiment_time_limit(experiment),
                 .rounds = check ? 1 : experiment->rounds,
                 .exits_room = job_exits_room(benchmark)},
        .benchmark = benchmark,
        .policy = root ? NULL : under,
        .events = group ? &experiment->pmu.groups[group - 1] : NULL,
    };
    const char *policy_name = job_policy_name(&job);
    job.name = group && experiment->pmu.group_count > 1
                   ? text("%s/%s/%s/events-%" PRIu32, target, benchmark->name, policy_name, group)
                   : text("%s/%s/%s", target, benchmark->name, policy_name);
    strcpy(job.plan.benchmark, benchmark->name); /* the corpus checked its length */
    return job;
}

/* From the first group to the last; 0 stands for none. */
static uint32_t first_group(const struct experiment *experiment, const struct benchmark *benchmark)
{
    bool counts = !benchmark_is_check(benchmark) && !benchmark_is_root(benchmark) &&
                  !(benchmark->row.flags & ROW_FLOOR);
    return counts && experiment->pmu.group_count > 0;
}

void experiment_make_jobs(struct experiment *experiment, const char *target)
{
    size_t most = experiment->benchmark_count * experiment->policy_count * experiment->repetitions *
                  (1 + experiment->pmu.group_count);
    experiment->jobs = zeroed(most + CALIBRATIONS_MAX, sizeof(struct job));
    experiment->job_count = 0;
    for (size_t b = 0; b < experiment->benchmark_count; b++)
        for (uint32_t p = 0; p < experiment->policy_count; p++) {
            const struct benchmark *benchmark = experiment->benchmarks[b];
            if (p && benchmark_is_root(benchmark))
                break;
            uint32_t first = first_group(experiment, benchmark);
            uint32_t last = first ? experiment->pmu.group_count : 0;
            uint32_t repetitions = benchmark_is_check(benchmark) ? 1 : experiment->repetitions;
            for (uint32_t group = first; group <= last; group++)
                for (uint32_t r = 0; r < repetitions; r++)
                    experiment->jobs[experiment->job_count++] =
                        make_job(experiment, target, benchmark, p, r, group);
        }
}

void experiment_keep_jobs(struct experiment *experiment, const bool *keep)
{
    size_t kept = 0;
    for (size_t i = 0; i < experiment->job_count; i++) {
        if (keep[i])
            experiment->jobs[kept++] = experiment->jobs[i];
        else
            free(experiment->jobs[i].name);
    }
    experiment->job_count = kept;
}

void experiment_shuffle(struct experiment *experiment)
{
    uint64_t state = SHUFFLE_SEED;
    for (size_t left = experiment->job_count; left > 1; left--) {
        state = state * 6364136223846793005ull + 1442695040888963407ull; /* Knuth's MMIX */
        size_t other = (size_t)((state >> 33) % left);
        struct job job = experiment->jobs[left - 1];
        experiment->jobs[left - 1] = experiment->jobs[other];
        experiment->jobs[other] = job;
    }
}

void experiment_lay_out(struct experiment *experiment)
{
    uint64_t offset = RESULTS_HEADER_ROOM;
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++) {
        experiment->jobs[i].plan.results_offset = offset;
        offset += job_results_size(&experiment->jobs[i].plan);
    }
    experiment->results_size = (offset + 4095) / 4096 * 4096;
}

void *experiment_plan(const struct experiment *experiment, uint32_t flags, size_t *size)
{
    *size = sizeof(struct plan_header) +
            experiment_all_policies(experiment) * sizeof(struct plan_policy) +
            experiment->pmu.group_count * sizeof(struct plan_group) +
            experiment_all_jobs(experiment) * sizeof(struct plan_job);
    uint8_t *plan = zeroed(1, *size), *at = plan;
    struct plan_header header = {
        .magic = PLAN_MAGIC,
        .version = PLAN_VERSION,
        .flags = flags,
        .size = *size,
        .results_base = flags & PLAN_RESULTS_SERIAL ? 0 : RESULTS_BASE,
        .results_size = experiment->results_size,
        .policy_count = (uint32_t)experiment_all_policies(experiment),
        .job_count = (uint32_t)experiment_all_jobs(experiment),
        .host_timer = experiment->host_timer,
        .group_count = experiment->pmu.group_count,
        .cpus = experiment->cpus,
        .serial_passes = experiment->serial_passes,
    };
    at = (uint8_t *)mempcpy(at, &header, sizeof(header));
    for (size_t i = 0; i < experiment_all_policies(experiment); i++)
        at = (uint8_t *)mempcpy(at, &experiment->policies[i].plan, sizeof(struct plan_policy));
    if (experiment->pmu.group_count)
        at = (uint8_t *)mempcpy(at, experiment->pmu.groups,
                                experiment->pmu.group_count * sizeof(struct plan_group));
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++)
        at = (uint8_t *)mempcpy(at, &experiment->jobs[i].plan, sizeof(struct plan_job));
    return plan;
}

void experiment_free(struct experiment *experiment)
{
    for (size_t i = 0; i < experiment_all_jobs(experiment); i++)
        free(experiment->jobs[i].name);
    pmu_groups_free(&experiment->pmu);
    free(experiment->jobs);
    free(experiment->policies);
    free(experiment->benchmarks);
    *experiment = (struct experiment){0};
}
