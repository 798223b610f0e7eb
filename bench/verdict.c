/* SPDX-License-Identifier: MIT */
#include "verdict.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

/* As many jobs of one reason are named one by one. */
#define NAMED_MOST 3u
#define LINE_WIDTH 100u

struct verdict verdict_of(const struct experiment *experiment, const struct results *results)
{
    struct verdict verdict = {0};

    for (size_t i = 0; i < experiment->job_count; i++) {
        const struct benchmark *benchmark = experiment->jobs[i].benchmark;
        const struct job_outcome *outcome = &results->jobs[i];
        if (outcome->proof == PROOF_AGREES)
            verdict.agreed++;
        else if (outcome->proof == PROOF_DISAGREES)
            verdict.disagreed++;
        else if (outcome->status == RESULT_SKIPPED)
            verdict.skipped++;
        else if (outcome->status != RESULT_DONE)
            verdict.unproved++;
        else if (benchmark_is_check(benchmark))
            verdict.checks++;
        else if (benchmark_is_root(benchmark))
            verdict.root++;
        else
            verdict.unproved++;
    }
    return verdict;
}

const char *verdict_word(const struct job_outcome *outcome)
{
    static const char *const words[] = {
        [PROOF_NONE] = NULL, [PROOF_AGREES] = "agrees", [PROOF_DISAGREES] = "disagrees"};
    return words[outcome->proof];
}

json_t *verdict_json(const struct verdict *verdict)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "agreed", (json_int_t)verdict->agreed,
                     "disagreed", (json_int_t)verdict->disagreed, "checks",
                     (json_int_t)verdict->checks, "root", (json_int_t)verdict->root, "skipped",
                     (json_int_t)verdict->skipped, "unproved", (json_int_t)verdict->unproved);
}

static bool is_skipped_for(const struct results *results, size_t job, const char *reason)
{
    return results->jobs[job].status == RESULT_SKIPPED &&
           strcmp(results->jobs[job].reason, reason) == 0;
}

/* Whether a job before that one was skipped for the same. */
static bool said_before(const struct results *results, size_t job)
{
    for (size_t i = 0; i < job; i++)
        if (is_skipped_for(results, i, results->jobs[job].reason))
            return true;
    return false;
}

/* Each benchmark once, in lines of LINE_WIDTH. */
static void print_benchmarks(const struct experiment *experiment, const struct results *results,
                             size_t first)
{
    const struct benchmark *last = NULL;
    size_t at = 0;

    for (size_t i = first; i < experiment->job_count; i++) {
        const struct benchmark *benchmark = experiment->jobs[i].benchmark;
        size_t length = strlen(benchmark->name);
        if (benchmark == last || !is_skipped_for(results, i, results->jobs[first].reason))
            continue;
        bool breaks = !last || at + length + 2 > LINE_WIDTH;
        fprintf(stderr, "%s%s%s", last ? "," : "", breaks ? "\n  " : " ", benchmark->name);
        at = (breaks ? 2 : at + 2) + length;
        last = benchmark;
    }
    fputc('\n', stderr);
}

static void say_skipped(const struct experiment *experiment, const struct results *results,
                        size_t first)
{
    const char *reason = results->jobs[first].reason;
    size_t count = 0;

    for (size_t i = first; i < experiment->job_count; i++)
        count += is_skipped_for(results, i, reason);
    if (count > NAMED_MOST) {
        fprintf(stderr, "exitmeter: skipped, %zu jobs: not applicable here: %s:", count, reason);
        print_benchmarks(experiment, results, first);
        return;
    }
    for (size_t i = first; i < experiment->job_count; i++)
        if (is_skipped_for(results, i, reason))
            say("%s: skipped: not applicable here: %s", experiment->jobs[i].name, reason);
}

void verdict_say(const struct experiment *experiment, const struct results *results)
{
    const struct verdict verdict = verdict_of(experiment, results);
    const struct {
        size_t count;
        const char *what;
    } others[] = {{verdict.checks, "checks, which count none"},
                  {verdict.root, "in VMX root operation"},
                  {verdict.skipped, "skipped"},
                  {verdict.unproved, "failed or not run"}};
    bool any = false;

    for (size_t i = 0; i < experiment->job_count; i++)
        if (results->jobs[i].status == RESULT_SKIPPED && !said_before(results, i))
            say_skipped(experiment, results, i);
    fprintf(stderr, "exits as the policies predict: %zu of %zu jobs; %zu disagree", verdict.agreed,
            verdict.agreed + verdict.disagreed, verdict.disagreed);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (others[i].count) {
            fprintf(stderr, "%s%zu %s", any ? ", " : " (not held to it: ", others[i].count,
                    others[i].what);
            any = true;
        }
    fprintf(stderr, "%s\n", any ? ")" : "");
}
