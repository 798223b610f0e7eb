/* SPDX-License-Identifier: MIT */
/*
 * The run directory comes into being whole: everything is written to a hidden sibling,
 * .NAME.partial-XXXXXX, which is renamed to the wanted name at the end. What is left of an
 * interrupted run is hidden and carries another name.
 */
#ifndef EXITMETER_BENCH_RUN_DIRECTORY_H
#define EXITMETER_BENCH_RUN_DIRECTORY_H

struct run_directory {
    char *path;    /* as it will be */
    char *partial; /* as it is until then */
    char *scratch; /* in partial: gone at the end */
};

/*
 * Makes the hidden directory, and the directories above it where they are missing. Returns 0, or -1
 * with *error set (free() it) and nothing left behind; a path that exists is an error.
 */
int run_directory_open(const char *path, struct run_directory *directory, char **error);

/* partial/NAME; free() it. */
char *run_directory_file(const struct run_directory *directory, const char *name);

/*
 * Drops the scratch directory, adds sha256sums to what has a run.json, flushes everything to disk,
 * and renames. Returns 0, or -1 with *error set (free() it); then everything is removed. An
 * existing path is never replaced.
 */
int run_directory_commit(struct run_directory *directory, char **error);

/* Removes everything, unless committed, and frees the structure. */
void run_directory_close(struct run_directory *directory);

#endif
