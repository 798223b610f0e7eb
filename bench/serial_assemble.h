/* SPDX-License-Identifier: MIT */
/* Puts the streams of a run together again from the frames that a scan found. */
#ifndef EXITMETER_BENCH_SERIAL_ASSEMBLE_H
#define EXITMETER_BENCH_SERIAL_ASSEMBLE_H

#include "serial_scan.h"

#include <stdbool.h>

struct serial_content {
    bool listed;   /* the run has it */
    uint8_t *data; /* a NUL behind it; NULL unless listed */
    uint64_t length;
};

struct serial_run {
    uint64_t id;
    struct serial_content streams[SERIAL_STREAMS]; /* the directory's is never listed */
    uint64_t frames;                               /* of this run, ... */
    uint64_t repeated;                             /* ... that brought nothing new */
    uint32_t passes;                               /* the highest number of a pass that was seen */
};

/* The runs that the scan has frames of, each once; free() it. */
uint64_t *serial_run_ids(const struct serial_scan *scan, size_t *count);

/*
 * Puts one together. Returns 0 if it is whole: each byte of each stream is there, and the checks
 * hold. Else -1 and *error, free() it: which bytes of which stream are missing, or which frames
 * contradict each other. Free the run in either case.
 */
int serial_assemble(const struct serial_scan *scan, uint64_t id, struct serial_run *run,
                    char **error);

void serial_run_free(struct serial_run *run);

#endif
