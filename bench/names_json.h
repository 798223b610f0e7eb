/* SPDX-License-Identifier: MIT */
/*
 * names.json, schema exitmeter.names/1: what MSRs, ports and exceptions are called, from the lists
 * that policies are read by, so that readers of a run need none of their own.
 */
#ifndef EXITMETER_BENCH_NAMES_JSON_H
#define EXITMETER_BENCH_NAMES_JSON_H

/* Writes directory/names.json. Returns 0, or -1 with errno set. */
int names_json_write(const char *directory);

#endif
