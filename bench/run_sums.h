/* SPDX-License-Identifier: MIT */
/*
 * sha256sums: what the files of a run were when it was made, in the format of sha256sum(1). A run
 * is never changed afterwards, and whoever has it can see that it was not.
 */
#ifndef EXITMETER_BENCH_RUN_SUMS_H
#define EXITMETER_BENCH_RUN_SUMS_H

#include <stdbool.h>

#define RUN_SUMS "sha256sums"

/* Writes it, of every file below the directory. Returns 0, or -1 with errno set. */
int run_sums_write(const char *directory);

/*
 * What is wrong with the run at directory, or NULL; free() it. Every file must be there, and, if
 * contents is set, hold what it held. A run without the file says nothing of either.
 */
char *run_sums_check(const char *directory, bool contents);

#endif
