/* SPDX-License-Identifier: MIT */
#include "trace_stream.h"

#include "../probes/record.h"
#include "text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const classes[PROBE_STREAMS] = {"", "_wide"};

struct trace_streams {
    char *directory;
    int error; /* errno of what went wrong first; 0: nothing */
    struct stream {
        FILE *file; /* NULL: no packet yet */
        uint64_t size;
    } streams[PROBE_STREAMS][PACKET_CPUS_MAX]; /* by stream class, and CPU */
};

struct trace_streams *trace_streams_open(const char *directory)
{
    struct trace_streams *streams = zeroed(1, sizeof(*streams));
    streams->directory = text("%s/trace", directory);
    return streams;
}

static void note(struct trace_streams *streams, bool failed)
{
    if (failed && !streams->error)
        streams->error = errno ? errno : EIO;
}

uint64_t trace_streams_add(struct trace_streams *streams, const void *packet,
                           char name[TRACE_STREAM_NAME])
{
    struct packet_header header;
    memcpy(&header, packet, sizeof(header));
    struct stream *stream = &streams->streams[header.stream_id][header.cpu_id];
    size_t size = header.packet_size / 8;
    uint64_t offset = stream->size;

    snprintf(name, TRACE_STREAM_NAME, "cpu%u%s", header.cpu_id, classes[header.stream_id]);
    if (!stream->file) {
        char *path = text("%s/%s", streams->directory, name);
        stream->file = fopen(path, "wbe");
        note(streams, !stream->file);
        free(path);
    }
    if (stream->file)
        note(streams, fwrite(packet, 1, size, stream->file) != size);
    stream->size += size;
    return offset;
}

int trace_streams_close(struct trace_streams *streams)
{
    for (size_t i = 0; i < PROBE_STREAMS * PACKET_CPUS_MAX; i++) {
        FILE *file = streams->streams[i / PACKET_CPUS_MAX][i % PACKET_CPUS_MAX].file;
        if (file)
            note(streams, fclose(file) != 0);
    }
    int error = streams->error;
    free(streams->directory);
    free(streams);
    errno = error;
    return error ? -1 : 0;
}
