/* SPDX-License-Identifier: MIT */
/* What policy derive found, schema exitmeter.policy-derive/1. */
#ifndef EXITMETER_BENCH_POLICY_DERIVE_JSON_H
#define EXITMETER_BENCH_POLICY_DERIVE_JSON_H

#include "policy_derive.h"

#include <jansson.h>

/* A new reference. path: of the run. */
json_t *policy_derive_json(const char *path, const struct derive_run *run,
                           const struct derived *derived);

#endif
