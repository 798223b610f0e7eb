/* SPDX-License-Identifier: MIT */
/*
 * A benchmark as run.json and `list --json` show it.
 */
#ifndef EXITMETER_BENCH_CORPUS_JSON_H
#define EXITMETER_BENCH_CORPUS_JSON_H

#include "corpus.h"

#include <jansson.h>

/* A new reference. */
json_t *benchmark_json(const struct benchmark *benchmark);

#endif
