/* SPDX-License-Identifier: MIT */
/*
 * The stream files of a trace: CTF wants the packets of a CPU in one file, in the order of time,
 * and counts what it discarded over that file. trace/cpuN holds those of CPU N, trace/cpuN_wide
 * those with wide records, which are a stream class of their own.
 */
#ifndef EXITMETER_BENCH_TRACE_STREAM_H
#define EXITMETER_BENCH_TRACE_STREAM_H

#include <stdint.h>

#define TRACE_STREAM_NAME 20u /* bytes of a file's name, its NUL included */

struct trace_streams;

/* Files appear below directory/trace, which is there, as packets come. Never NULL. */
struct trace_streams *trace_streams_open(const char *directory);

/*
 * Writes a packet (struct packet_header, and what its packet_size says follows it; both checked by
 * results_read()) to the file of its CPU. Returns its offset in bytes there; name is the file's.
 */
uint64_t trace_streams_add(struct trace_streams *streams, const void *packet,
                           char name[TRACE_STREAM_NAME]);

/* Closes the files. Returns 0, or -1 with errno set if anything went wrong since they were opened.
 */
int trace_streams_close(struct trace_streams *streams);

#endif
