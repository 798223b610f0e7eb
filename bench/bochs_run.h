/* SPDX-License-Identifier: MIT */
/*
 * Bochs from its start to its end, watched; and why it ended otherwise than it should.
 */
#ifndef EXITMETER_BENCH_BOCHS_RUN_H
#define EXITMETER_BENCH_BOCHS_RUN_H

#include "child.h"
#include "target.h"

/* Paths below the scratch directory; Bochs runs in it and uses the last part of each. */
struct bochs_files {
    char *tree, *bochsrc, *commands, *log, *console, *com1, *results;
};

/* Runs a child and returns why it did not end well, or NULL; free() it. */
char *bochs_child(const struct child *child, struct boot_end *end, struct child_end *child_end);

/* Sets in end whatever came of it. */
void bochs_run(const struct boot *boot, const struct bochs_files *files, struct boot_end *end);

#endif
