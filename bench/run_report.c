/* SPDX-License-Identifier: MIT */
#include "run_report.h"

#include "benchmark_shim.h"
#include "calibration.h"
#include "exit_costs.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* By place in the corpus, policy, repetition: the order before any shuffling. */
static int by_name(const void *a, const void *b)
{
    const struct job *left = *(const struct job *const *)a, *right = *(const struct job *const *)b;
    if (left->benchmark != right->benchmark)
        return left->benchmark < right->benchmark ? -1 : 1;
    if (left->plan.policy != right->plan.policy)
        return left->plan.policy < right->plan.policy ? -1 : 1;
    if (left->plan.group != right->plan.group)
        return left->plan.group < right->plan.group ? -1 : 1;
    return left->plan.repetition < right->plan.repetition ? -1 : 1;
}

static void add_counter(struct shim_entry *entry, const char *name, double value)
{
    entry->counters[entry->counter_count++] = (struct shim_counter){name, value};
}

/* What the CPU could not tell is left out, and so is a count of nothing. */
static void add_validity(struct shim_entry *entry, const struct job_validity *validity)
{
    if (!*validity->smis_absent)
        add_counter(entry, "smis", validity->smis);
    if (!*validity->clocks_absent)
        add_counter(entry, "core_per_mille", validity->core_per_mille[1]);
    if (validity->verdict != VALIDITY_JUDGED)
        add_counter(entry, "disturbed", 1);
}

/* Of a job that took no exit they are left out. */
static void add_costs(struct shim_entry *entry, const struct job_outcome *outcome)
{
    struct exit_costs costs;
    if (!exit_costs(outcome, &costs))
        return;
    add_counter(entry, "vmreads", costs.vmreads);
    add_counter(entry, "vmwrites", costs.vmwrites);
    add_counter(entry, "msr_accesses", costs.msr_accesses);
    add_counter(entry, "xsetbvs", costs.xsetbvs);
    add_counter(entry, "invalidations", costs.invalidations);
}

/* Means by exit, EVENT:host and EVENT:guest, behind all others; their names are to be freed. */
static void add_events(struct shim_entry *entry, const struct pmu_groups *pmu,
                       const struct job *job, const struct job_outcome *outcome)
{
    for (int side = 0; side < PLAN_SIDES; side++)
        for (uint32_t place = 0; place < PROBE_EVENTS; place++)
            if (outcome->events[side][place].has_mean)
                add_counter(entry,
                            text("%s:%s",
                                 pmu_groups_name(pmu, job->plan.group, (enum plan_side)side, place),
                                 side == PLAN_GUEST ? "guest" : "host"),
                            outcome->events[side][place].mean);
}

/* Counters in front of the events', whose names hold a colon. */
static size_t own_counters(const struct shim_entry *entry)
{
    size_t own = 0;
    while (own < entry->counter_count && !strchr(entry->counters[own].name, ':'))
        own++;
    return own;
}

static struct shim_entry make_entry(const struct experiment *experiment, const struct job *job,
                                    const struct job_outcome *outcome, const char *unit)
{
    const struct digest *digest = &outcome->digest;
    struct shim_entry entry = {.name = job->name, .label = unit, .iterations = job->plan.samples};
    if (outcome->status != RESULT_DONE || !outcome->has_digest) {
        entry.error = outcome->reason[0] ? outcome->reason : result_status_name(outcome->status);
        return entry;
    }
    entry.total = digest->total;
    add_counter(&entry, "min", (double)digest->min);
    add_counter(&entry, "p50", (double)digest->p50);
    add_counter(&entry, "p90", (double)digest->p90);
    add_counter(&entry, "p99", (double)digest->p99);
    add_counter(&entry, "max", (double)digest->max);
    add_counter(&entry, "control", (double)digest->control);
    if (outcome->has_exits)
        add_counter(&entry, "exits_per_op", (double)outcome->exits / outcome->exit_operations);
    add_costs(&entry, outcome);
    add_validity(&entry, &outcome->validity);
    add_events(&entry, &experiment->pmu, job, outcome);
    return entry;
}

/* The figures of the calibration as entries; free() their names. Returns how many. */
static size_t add_calibration(const struct experiment *experiment, const struct results *results,
                              const struct target *target, struct shim_entry *entries)
{
    struct calibration_figure figures[CALIBRATION_FIGURES];

    if (!experiment->calibrations)
        return 0;
    calibration_read(experiment, results, figures);
    for (size_t i = 0; i < CALIBRATION_FIGURES; i++) {
        const struct calibration_figure *figure = &figures[i];
        entries[i] = (struct shim_entry){
            .name = text("%s/calibration/%s", target->name, figure->name),
            .error = figure->absent,
            .label = target->unit,
            .iterations = figure->samples,
            .total = (double)figure->p50 * figure->samples,
        };
        if (figure->absent)
            continue;
        add_counter(&entries[i], "min", (double)figure->min);
        add_counter(&entries[i], "p50", (double)figure->p50);
        add_counter(&entries[i], "max", (double)figure->max);
    }
    return CALIBRATION_FIGURES;
}

int run_report(const struct experiment *experiment, const struct results *results,
               const struct run_facts *facts, const struct gb_flags *flags, const char *json,
               char **error)
{
    const struct job **order = zeroed(experiment->job_count, sizeof(*order));
    struct shim_entry *entries =
        zeroed(experiment->job_count + CALIBRATION_FIGURES, sizeof(*entries));
    size_t count = 0, calibrated;

    for (size_t i = 0; i < experiment->job_count; i++)
        if (!benchmark_is_check(experiment->jobs[i].benchmark))
            order[count++] = &experiment->jobs[i];
    qsort(order, count, sizeof(*order), by_name);
    for (size_t i = 0; i < count; i++)
        entries[i] = make_entry(experiment, order[i], &results->jobs[order[i] - experiment->jobs],
                                facts->target->unit);

    calibrated = add_calibration(experiment, results, facts->target, entries + count);

    const struct shim_pair context[] = {{"target", facts->target->name},
                                        {"unit", facts->target->unit},
                                        {"cpu_model", facts->cpu_model},
                                        {"core_sha256", facts->core_sha256}};
    const struct shim_report report = {
        .entries = entries,
        .entry_count = count + calibrated,
        .context = context,
        .context_count = sizeof(context) / sizeof(context[0]),
        .json = json,
        .out = flags->out,
        .out_format = flags->out_format,
        .display_aggregates_only = flags->display_aggregates_only || flags->report_aggregates_only,
        .out_aggregates_only = flags->report_aggregates_only,
        .passed_on = flags->passed_on,
        .passed_on_count = flags->passed_on_count,
    };
    int result = shim_show(&report, error);
    for (size_t i = 0; i < calibrated; i++)
        free((void *)(uintptr_t)entries[count + i].name);
    for (size_t i = 0; i < count; i++)
        for (size_t k = own_counters(&entries[i]); k < entries[i].counter_count; k++)
            free((void *)(uintptr_t)entries[i].counters[k].name);
    free(entries);
    free(order);
    return result;
}
