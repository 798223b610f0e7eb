/* SPDX-License-Identifier: MIT */
/*
 * What a run is to do: every job, in the order the image runs them, with its place in the results
 * region; and that as the plan the image reads (guests/plan.h).
 */
#ifndef EXITMETER_BENCH_EXPERIMENT_H
#define EXITMETER_BENCH_EXPERIMENT_H

#include "../guests/plan.h"
#include "../guests/results.h"
#include "corpus.h"
#include "pmu_groups.h"
#include "policy.h"

/* Where the results region lies in the image's physical memory, if something takes them out there.
 */
#define RESULTS_BASE 0x8000000ull

struct job {
    struct plan_job plan; /* as the image gets it */
    const struct benchmark *benchmark;
    const struct policy *policy;     /* NULL: under none, as benchmark_is_root() */
    const struct plan_group *events; /* that it counts, in the experiment's; or NULL */
    char *name; /* TARGET/BENCHMARK/POLICY, with /events-N where there are several groups */
    uint32_t calibration; /* of a calibrating job: which figure it is for */
};

/* In place of a policy's name where it is all the same which. */
#define ANY_POLICY "any"

static inline const char *job_policy_name(const struct job *job)
{
    return job->policy ? job->policy->plan.name : ANY_POLICY;
}

/* Jobs and policies of calibration.h: behind the others, and in the plan with them. */
#define CALIBRATIONS_MAX 11u

/* Guest time of a round, in 2^20 ticks: some 8 s on Bochs, where a million samples take 0.2. */
#define JOB_TIME_LIMIT 512u

struct experiment {
    const struct benchmark **benchmarks; /* the chosen ones; they lie in a corpus */
    size_t benchmark_count;
    struct policy *policies; /* room for one more than policy_count, calibration's */
    size_t policy_count;
    uint32_t samples;
    uint32_t count_samples;
    uint32_t rounds;
    uint32_t repetitions;
    uint32_t cpus;
    uint32_t time_limit;    /* of a round, in 2^20 ticks; 0: JOB_TIME_LIMIT */
    uint32_t serial_passes; /* that the results go over a serial line in; see plan.h */
    uint64_t host_timer;    /* ticks between interrupts of the host's own; 0: it has none */
    int probe_level;        /* of every job, or -1: as its policy says */
    struct pmu_groups pmu;  /* performance events to be counted, in jobs of each group; or none */
    struct job *jobs;
    size_t job_count;
    size_t calibrations;   /* jobs behind those, counted nowhere else */
    uint64_t results_size; /* bytes of the results region */
};

static inline uint32_t experiment_time_limit(const struct experiment *experiment)
{
    return experiment->time_limit ? experiment->time_limit : JOB_TIME_LIMIT;
}

/*
 * Makes the jobs of every benchmark under every policy, repetitions next to each other, and of each
 * group of events; what has no probes of its own, checks and the floor, runs once for all groups;
 * what is measured in VMX root operation once, under no policy. Fill in everything before `jobs`
 * first.
 */
void experiment_make_jobs(struct experiment *experiment, const char *target);

/* Keeps the jobs whose keep[index] is set. */
void experiment_keep_jobs(struct experiment *experiment, const bool *keep);

/* Records that a job has room for, an operation. */
uint32_t job_exits_room(const struct benchmark *benchmark);

/* Puts the jobs into an order that looks random and is the same each time. */
void experiment_shuffle(struct experiment *experiment);

/* Gives each job its place in the results region, in their order now, and sums results_size. */
void experiment_lay_out(struct experiment *experiment);

/* The plan, to be freed; flags: PLAN_*. */
void *experiment_plan(const struct experiment *experiment, uint32_t flags, size_t *size);

/* All jobs of the plan, those for calibration included; and its policies. */
static inline size_t experiment_all_jobs(const struct experiment *experiment)
{
    return experiment->job_count + experiment->calibrations;
}

static inline size_t experiment_all_policies(const struct experiment *experiment)
{
    return experiment->policy_count + (experiment->calibrations > 0);
}

void experiment_free(struct experiment *experiment);

#endif
