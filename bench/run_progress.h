/* SPDX-License-Identifier: MIT */
/*
 * How far a run is, and how long it will still take: one line that changes on a terminal, elsewhere
 * a line now and then, and none for a run that is quick.
 */
#ifndef EXITMETER_BENCH_RUN_PROGRESS_H
#define EXITMETER_BENCH_RUN_PROGRESS_H

#include <stdatomic.h>
#include <stdint.h>

/* Lies in memory that the processes of several runs share, hence the atomics. */
struct run_progress {
    _Atomic uint32_t done, all;  /* jobs; all is 0 until the first has ended */
    _Atomic int64_t first, last; /* when the first and the last job ended, ms of monotonic time */
};

#define PROGRESS_PLAIN_SECONDS 30 /* between lines where there is no terminal */

/* What is noted from now on goes there, for another process to show. */
void run_progress_share(struct run_progress *shared);

/* Takes a line of the image's console: "job 3/12 NAME: done"; any other says nothing. */
void run_progress_note(const char *line);

/* Shows what has been noted, if anybody is to see it; may be called as often as one likes. */
void run_progress_show(void);

/* "job 3 of 12, about 20 s left"; free() it. The time left is there once jobs have taken any. */
char *run_progress_text(const struct run_progress *progress);

/* Shows one line, made by whoever knows several runs, under the same rule; free()s it. */
void run_progress_line(char *line);

#endif
