/* SPDX-License-Identifier: MIT */
/*
 * What every run.json says of a run: new references, all of them.
 */
#ifndef EXITMETER_BENCH_FACTS_JSON_H
#define EXITMETER_BENCH_FACTS_JSON_H

#include "run_record.h"

#include <jansson.h>

/* Numbers that are bits rather than amounts are strings: readers see, and JSON keeps, all of them.
 */
json_t *fact_hex(unsigned digits, uint64_t value);

/* A string that may not be UTF-8. */
json_t *fact_string(const char *string);

json_t *fact_command(const struct run_facts *facts);
json_t *fact_created(time_t created);
json_t *fact_host(void);
json_t *fact_controls(const struct controls_in_force *controls);

/* Facts that the image did not get to report are left out: machine is NULL then. */
json_t *fact_machine(const struct run_facts *facts, const struct machine_facts *machine);

/*
 * Writes the document to directory/run.json, laid out as flags (JSON_INDENT()) say, and releases
 * it; NULL is one that could not be made. Returns 0, or -1.
 */
int fact_write(const char *directory, json_t *json, size_t flags);

#endif
