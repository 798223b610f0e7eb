/* SPDX-License-Identifier: MIT */
/*
 * The notes: what an image takes along for whoever makes a run of what it sends. Those options of
 * `run` that the plan alone does not give back, and what the image was made of; as JSON.
 */
#ifndef EXITMETER_BENCH_NOTES_H
#define EXITMETER_BENCH_NOTES_H

#include "run_benchmarks.h"

#define NOTES_SCHEMA "exitmeter.notes/1"

/* What notes say; notes_free() it. */
struct notes {
    char *created; /* when the image was made, as run.json has it */
    char *core_sha256;
    char *guests_sha256;
    bool guest_only; /* the image is the guest of another's monitor: target vm, not native */
    char *command;   /* that made the image, in one line */
    uint32_t flags;  /* of the plan, PLAN_* */
    uint32_t serial_passes;
    char **options;   /* of `run`, NULL-terminated, but for policies, blob, target and output */
    unsigned *levels; /* probe level of each policy of the plan but calibration's, in order */
    size_t policy_count;
};

/* The notes of a run that is prepared; to be freed. */
char *notes_make(const struct run *run, uint32_t flags);

/*
 * Reads them; they come from outside. Returns 0, or -1 with what is wrong in *error; free() that.
 */
int notes_read(const char *data, size_t size, struct notes *notes, char **error);

void notes_free(struct notes *notes);

#endif
