/* SPDX-License-Identifier: MIT */
/* What may have disturbed a job (guests/validity.h): taken out of the results, and into run.json.
 */
#ifndef EXITMETER_BENCH_VALIDITY_H
#define EXITMETER_BENCH_VALIDITY_H

#include "../guests/validity.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * False if this is not what an image writes of a job that was done. Else its strings are terminated
 * and printable from now on.
 */
bool validity_sound(struct job_validity *validity);

/* "validity" of RUN_FORMAT.md, a new reference; null unless it was judged. */
json_t *validity_json(const struct job_validity *validity);

#endif
