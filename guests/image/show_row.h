/* SPDX-License-Identifier: MIT */
/* A job's results in one row of text. */
#ifndef EXITMETER_GUESTS_IMAGE_SHOW_ROW_H
#define EXITMETER_GUESTS_IMAGE_SHOW_ROW_H

#include "../results.h"

#define SHOW_ROW 81u /* bytes of a row, its NUL included */

/* printf of core/boot/string.h into a row. */
void show_format(char row[SHOW_ROW], const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What heads the columns. */
void show_head(char row[SHOW_ROW]);

/*
 * Benchmark, policy, p50 of the operation less the median of the control, both of the last round,
 * and exits an operation, from the counting phases. What is not known is a dash, and why a job has
 * none a reason. room: for a phase's samples.
 */
void show_row(char row[SHOW_ROW], const struct plan_header *plan,
              const struct results_header *results, uint32_t job, int64_t *room);

#endif
