/* SPDX-License-Identifier: MIT */
/*
 * The targets as JSON, and whether each can run here: for list and doctor.
 */
#ifndef EXITMETER_BENCH_TARGET_JSON_H
#define EXITMETER_BENCH_TARGET_JSON_H

#include <jansson.h>

/* A new list. */
json_t *targets_json(void);

/* "not here: no X; DO THIS" of one of them, or nothing, on stdout, indented. */
void target_json_print_missing(const json_t *target, int indent);

#endif
