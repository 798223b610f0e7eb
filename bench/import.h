/* SPDX-License-Identifier: MIT */
/* What came over a serial line, in place of a boot. */
#ifndef EXITMETER_BENCH_IMPORT_H
#define EXITMETER_BENCH_IMPORT_H

#include "notes.h"
#include "serial_assemble.h"
#include "target.h"

/* What run.json says of it. */
struct import_facts {
    const char *const *captures; /* paths, as given */
    size_t capture_count;
    const struct serial_scan *scan;
    const struct serial_run *run;
    const struct notes *notes;
};

/*
 * The target whose boot leaves what the run has sent, which must outlive it; as target_native is
 * otherwise, with the flags that the notes have.
 */
const struct target *import_target(const struct serial_run *run, const struct notes *notes);

/*
 * Writes each policy of the sent plan, but calibration's, as a compiled policy below directory, and
 * returns the list of their paths; free() each and it. NULL with *error set, free() that, if the
 * plan is none.
 */
char **import_policies(const struct serial_content *plan, const struct notes *notes,
                       const char *directory, char **error);

#endif
