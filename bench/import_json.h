/* SPDX-License-Identifier: MIT */
/* What run.json says of where an imported run came from. */
#ifndef EXITMETER_BENCH_IMPORT_JSON_H
#define EXITMETER_BENCH_IMPORT_JSON_H

#include "import.h"

#include <jansson.h>

/* A new reference. */
json_t *import_json(const struct import_facts *facts);

#endif
