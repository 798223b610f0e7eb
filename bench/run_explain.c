/* SPDX-License-Identifier: MIT */
#include "run_explain.h"

#include "events_json.h"
#include "follow.h"
#include "text.h"
#include "verdict.h"

#include <stdio.h>
#include <stdlib.h>

#define CONSOLE_LINES 40u

/* Says which events were not counted, in one line if that is so of all. */
static void explain_events(const struct run *run)
{
    const struct pmu_groups *pmu = &run->experiment.pmu;
    const char *first = NULL;
    size_t absent = 0, all = PLAN_SIDES * pmu->event_count;

    for (int tell = 0; tell < 2 && absent < all; tell++)
        for (size_t i = 0; i < all; i++) {
            enum plan_side side = i % PLAN_SIDES ? PLAN_GUEST : PLAN_HOST;
            const char *event = pmu->events[i / PLAN_SIDES].name;
            const char *why = events_absent(&run->experiment, &run->results, i / PLAN_SIDES, side);
            first = first ? first : why;
            absent += why && !tell;
            if (why && tell)
                say("run: %s is not counted in the %s: %s", event,
                    side == PLAN_GUEST ? "guest" : "host", why);
        }
    if (absent && absent == all)
        say("run: no performance event is counted here, and the run goes on without: %s: %s",
            pmu->events[0].name, first);
}

void run_explain(const struct run *run)
{
    char *path = run_directory_file(&run->directory, "console.txt");
    char *console = file_tail(path, CONSOLE_LINES, NULL);
    for (size_t i = 0; i < run->experiment.job_count; i++) {
        const struct job_outcome *outcome = &run->results.jobs[i];
        if (outcome->status == RESULT_FAILED)
            say("%s: failed: %s", run->experiment.jobs[i].name, outcome->reason);
    }
    verdict_say(&run->experiment, &run->results);
    explain_events(run);
    if (run->results.reason[0]) {
        if (console)
            fprintf(stderr, "the console's last lines:\n%s", console);
        if (run->end.detail)
            fprintf(stderr, "the machine's own log:\n%s\n", run->end.detail);
        say("run: failed: %s", run->results.reason);
    }
    free(console);
    free(path);
}
