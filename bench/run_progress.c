/* SPDX-License-Identifier: MIT */
#include "run_progress.h"

#include "child.h"
#include "text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LEAST_JOBS 3u /* after which the time of the next can be told from theirs */

static struct run_progress own;
static struct run_progress *noted = &own;

static int64_t now(void)
{
    return (int64_t)(monotonic_seconds() * 1000);
}

void run_progress_share(struct run_progress *shared)
{
    noted = shared;
}

void run_progress_note(const char *line)
{
    uint32_t done, all;
    int end = 0;
    if (sscanf(line, "job %" SCNu32 "/%" SCNu32 " %n", &done, &all, &end) != 2 || !end || !done ||
        done > all)
        return;
    noted->last = now();
    if (!noted->all)
        noted->first = noted->last;
    noted->done = done;
    noted->all = all;
}

char *run_progress_text(const struct run_progress *progress)
{
    uint32_t done = progress->done, all = progress->all;
    if (!all)
        return text("booting");
    char *jobs = text("job %" PRIu32 " of %" PRIu32, done, all);
    if (done < LEAST_JOBS || progress->last == progress->first)
        return jobs;
    double each = (double)(progress->last - progress->first) / (done - 1);
    double left = each * (all - done) - (double)(now() - progress->last);
    char *whole = text("%s, about %.0f s left", jobs, left > 0 ? left / 1000 : 0);
    free(jobs);
    return whole;
}

void run_progress_line(char *line)
{
    static int64_t shown;
    bool terminal = isatty(STDERR_FILENO);

    if (!shown)
        shown = now();
    if (now() - shown >= (terminal ? 200 : PROGRESS_PLAIN_SECONDS * 1000)) {
        shown = now();
        if (terminal)
            progress("%s", line);
        else
            say("run: %s", line);
    }
    free(line);
}

void run_progress_show(void)
{
    if (noted == &own)
        run_progress_line(run_progress_text(noted));
}
