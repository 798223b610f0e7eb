/* SPDX-License-Identifier: MIT */
/*
 * The benchmarks there are, read from the guest blob's own table (guests/blob.h). The blob is a
 * file from outside: every pointer and string is checked before it is followed.
 */
#ifndef EXITMETER_BENCH_CORPUS_H
#define EXITMETER_BENCH_CORPUS_H

#include "../guests/blob.h"
#include "../guests/plan.h"
#include "files.h"

#include <stdbool.h>

#define CORPUS_ROWS_MAX 1024u

/* A row; the strings lie in the mapped file. */
struct benchmark {
    const char *name;
    const char *description;
    const char *instruction;
    struct blob_row row;
};

struct corpus {
    struct bytes file;
    struct benchmark *benchmarks;
    uint32_t count;
};

/*
 * Reads the table of the blob in bytes, which must outlive the corpus. Returns 0, or -1 with a
 * description of the first thing wrong in *error; free() that.
 */
int corpus_parse(const struct bytes *bytes, struct corpus *corpus, char **error);

/* Maps and reads the file. As corpus_parse(); the error names the file. */
int corpus_open(const char *path, struct corpus *corpus, char **error);
void corpus_close(struct corpus *corpus);

/* Whether the row proves behaviour instead of measuring. */
bool benchmark_is_check(const struct benchmark *benchmark);

/* Whether it is measured in VMX root operation: under no policy, and without exits. */
bool benchmark_is_root(const struct benchmark *benchmark);

/* Name of an enum row_gate value as run.json has it: "always", "msr_read" ...; NULL if unknown. */
const char *gate_name(uint32_t gate);

#endif
