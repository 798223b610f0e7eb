/* SPDX-License-Identifier: MIT */
#include "serial_assemble.h"

#include "../guests/serial_pack.h"
#include "text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define RANGES_TOLD 8u

static const char *const stream_names[SERIAL_STREAMS] = {"directory", "notes", "plan", "console",
                                                         "results"};

/* A run that is being put together. */
struct assembly {
    struct serial_run *run;
    struct serial_directory directory;
    bool has_directory;
    bool *have[SERIAL_STREAMS]; /* a piece each */
    char *wrong;
};

uint64_t *serial_run_ids(const struct serial_scan *scan, size_t *count)
{
    uint64_t *ids = zeroed(scan->count, sizeof(*ids));

    *count = 0;
    for (size_t i = 0; i < scan->count; i++) {
        size_t known = 0;
        while (known < *count && ids[known] != scan->found[i].frame.run)
            known++;
        ids[known] = scan->found[i].frame.run;
        *count += known == *count;
    }
    return ids;
}

static uint64_t pieces(uint64_t length)
{
    return (length + SERIAL_PIECE - 1) / SERIAL_PIECE;
}

static uint32_t piece_size(uint64_t length, uint64_t offset)
{
    return length - offset < SERIAL_PIECE ? (uint32_t)(length - offset) : SERIAL_PIECE;
}

/* The bytes of a frame of one piece; false if they cannot be unpacked. */
static bool decode(const struct serial_found *found, uint8_t piece[SERIAL_PIECE])
{
    const struct serial_frame *frame = &found->frame;

    if (frame->encoding == SERIAL_PACKED)
        return serial_unpack(found->payload, frame->payload_size, piece, frame->size);
    memset(piece, 0, SERIAL_PIECE);
    memcpy(piece, found->payload, frame->payload_size);
    return true;
}

static void take_directory(struct assembly *assembly, const struct serial_found *found)
{
    struct serial_directory directory;
    uint8_t piece[SERIAL_PIECE];

    if (found->frame.size != sizeof(directory) || found->frame.length != sizeof(directory) ||
        !decode(found, piece)) {
        assembly->wrong = text("its directory is none");
        return;
    }
    memcpy(&directory, piece, sizeof(directory));
    if (assembly->has_directory) {
        assembly->run->repeated++;
        if (memcmp(&directory, &assembly->directory, sizeof(directory)) != 0)
            assembly->wrong = text("its directories contradict each other");
        return;
    }
    assembly->directory = directory;
    assembly->has_directory = true;
    if (directory.count > SERIAL_LISTED_MAX)
        assembly->wrong = text("its directory is none");
    for (uint32_t i = 0; i < directory.count && !assembly->wrong; i++) {
        const struct serial_listed *listed = &directory.listed[i];
        if (listed->stream == SERIAL_DIRECTORY || listed->stream >= SERIAL_STREAMS ||
            listed->reserved || listed->length > SERIAL_SIZE_MAX ||
            assembly->run->streams[listed->stream].listed) {
            assembly->wrong = text("its directory is none");
            break;
        }
        struct serial_content *content = &assembly->run->streams[listed->stream];
        *content = (struct serial_content){
            .listed = true, .length = listed->length, .data = calloc(1, listed->length + 1)};
        assembly->have[listed->stream] = zeroed(pieces(listed->length), sizeof(bool));
        if (!content->data)
            assembly->wrong = text("there is no memory for its %" PRIu64 " bytes of %s",
                                   listed->length, stream_names[listed->stream]);
    }
}

static void take_piece(struct assembly *assembly, const struct serial_found *found)
{
    const struct serial_frame *frame = &found->frame;
    struct serial_content *content = &assembly->run->streams[frame->stream];
    bool *have = assembly->have[frame->stream], news = false;
    uint8_t piece[SERIAL_PIECE];

    if (!content->listed || frame->length != content->length) {
        assembly->wrong =
            text("a frame of its %s contradicts its directory", stream_names[frame->stream]);
        return;
    }
    if (!decode(found, piece)) {
        assembly->wrong = text("a frame of its %s cannot be unpacked", stream_names[frame->stream]);
        return;
    }
    for (uint64_t at = frame->offset; at < frame->offset + frame->size; at += SERIAL_PIECE) {
        uint32_t size = piece_size(content->length, at);
        if (!have[at / SERIAL_PIECE]) {
            if (frame->encoding != SERIAL_ZEROS)
                memcpy(content->data + at, piece, size);
            have[at / SERIAL_PIECE] = news = true;
        } else if (memcmp(content->data + at, piece, size) != 0) {
            assembly->wrong = text("two frames of its %s at byte %" PRIu64 " contradict each other",
                                   stream_names[frame->stream], at);
            return;
        }
    }
    assembly->run->repeated += !news;
}

/* Adds to *told, which is replaced, which bytes of a stream are not there. */
static void tell_missing(const struct assembly *assembly, enum serial_stream stream, char **told)
{
    const struct serial_content *content = &assembly->run->streams[stream];
    const uint64_t all = pieces(content->length);
    const bool *have = assembly->have[stream];
    uint64_t ranges = 0, missing = 0;
    char *list = text("%s", "");

    for (uint64_t piece = 0; piece < all; piece++) {
        uint64_t from = piece;
        while (piece < all && !have[piece])
            piece++;
        if (piece == from)
            continue;
        uint64_t end = piece < all ? piece * SERIAL_PIECE : content->length;
        missing += end - from * SERIAL_PIECE;
        if (ranges++ < RANGES_TOLD) {
            char *longer = text("%s%s%" PRIu64 "-%" PRIu64, list, *list ? ", " : "",
                                from * SERIAL_PIECE, end - 1);
            free(list);
            list = longer;
        }
    }
    if (ranges > RANGES_TOLD) {
        char *longer = text("%s and %" PRIu64 " ranges more", list, ranges - RANGES_TOLD);
        free(list);
        list = longer;
    }
    if (ranges) {
        char *more = text("%s%s%" PRIu64 " of %" PRIu64 " bytes of the %s (%s)", *told ? *told : "",
                          *told ? "; " : "", missing, content->length, stream_names[stream], list);
        free(*told);
        *told = more;
    }
    free(list);
}

static void check_whole(struct assembly *assembly, const struct serial_listed *listed)
{
    static const uint8_t zeros[SERIAL_PIECE];
    const struct serial_content *content = &assembly->run->streams[listed->stream];
    uint64_t crc = 0;

    for (uint64_t at = 0; at < content->length; at += SERIAL_PIECE) {
        uint32_t size = piece_size(content->length, at);
        if (memcmp(content->data + at, zeros, size) != 0)
            crc = serial_check(crc, at, content->data + at, size);
    }
    if (crc != listed->check)
        assembly->wrong =
            text("its %s is not what was sent: the check of the whole does not hold, though each "
                 "frame's does",
                 stream_names[listed->stream]);
}

static void conclude(struct assembly *assembly)
{
    char *missing = NULL;

    for (int stream = 0; stream < SERIAL_STREAMS; stream++)
        if (assembly->run->streams[stream].listed)
            tell_missing(assembly, (enum serial_stream)stream, &missing);
    if (!assembly->has_directory)
        missing = text("its directory, which says what there is");
    if (missing)
        assembly->wrong = text("missing: %s", missing);
    free(missing);
    for (uint32_t i = 0; i < assembly->directory.count && !assembly->wrong; i++)
        check_whole(assembly, &assembly->directory.listed[i]);
}

int serial_assemble(const struct serial_scan *scan, uint64_t id, struct serial_run *run,
                    char **error)
{
    struct assembly assembly = {.run = run};

    *run = (struct serial_run){.id = id};
    for (int directories = 1; directories >= 0; directories--)
        for (size_t i = 0; i < scan->count && !assembly.wrong; i++) {
            const struct serial_frame *frame = &scan->found[i].frame;
            if (frame->run != id || (frame->stream == SERIAL_DIRECTORY) != directories)
                continue;
            run->frames++;
            if (frame->pass > run->passes)
                run->passes = frame->pass;
            if (directories)
                take_directory(&assembly, &scan->found[i]);
            else if (assembly.has_directory)
                take_piece(&assembly, &scan->found[i]);
        }
    if (!assembly.wrong)
        conclude(&assembly);
    for (int stream = 0; stream < SERIAL_STREAMS; stream++)
        free(assembly.have[stream]);
    *error = assembly.wrong;
    return assembly.wrong ? -1 : 0;
}

void serial_run_free(struct serial_run *run)
{
    for (int stream = 0; stream < SERIAL_STREAMS; stream++)
        free(run->streams[stream].data);
    *run = (struct serial_run){0};
}
