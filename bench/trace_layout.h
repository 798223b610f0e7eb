/* SPDX-License-Identifier: MIT */
/*
 * What describes the trace to its readers, generated from the field lists of probes/: CTF 1.8
 * metadata for babeltrace2 and the like, layout.json for whoever maps the stream as an array.
 */
#ifndef EXITMETER_BENCH_TRACE_LAYOUT_H
#define EXITMETER_BENCH_TRACE_LAYOUT_H

/*
 * The CTF metadata; free() it. unit says what one step of the clock is; CTF wants a frequency, so
 * the metadata claims 1 GHz: one tick or cycle shows as 1 ns.
 */
char *trace_metadata(const char *unit);

/* layout.json, schema exitmeter.layout/1; free() it. */
char *trace_layout_json(void);

/* The name of a basic exit reason, "CPUID". */
const char *trace_reason_name(unsigned reason);

#endif
