/* SPDX-License-Identifier: MIT */
/*
 * What whoever sits before the machine sees: how far it is, on the last row of the screen; at the
 * end a table of the results, page by page. Nothing without a screen.
 */
#ifndef EXITMETER_GUESTS_IMAGE_SHOW_H
#define EXITMETER_GUESTS_IMAGE_SHOW_H

#include "../results.h"

#include <stdbool.h>

/* Where a plan and its results are, and a mind to show them; once, before the others. */
void show_start(const struct plan_header *plan, const struct results_header *results);

/* Job number `job` is about to begin. */
void show_job(uint32_t job);

/* Begins the table with its first page, over the log; unless no job has ended. */
void show_table(void);

/* Turns the page if it is time, or a key of a PS/2 keyboard asks for it. Call it often. */
void show_turn(void);

/* How far the results have been sent. */
void show_sent(uint32_t pass, uint32_t passes, uint64_t done, uint64_t all);

/* What there is to say at the end; the pages turn until somebody switches the machine off. */
_Noreturn void show_rest(const char *last);

/*
 * Middle of the samples' lengths, nearest rank, as the harness takes it; room is for as many. 0 of
 * none.
 */
int64_t show_median(const struct sample *samples, uint32_t count, int64_t *room);

#endif
