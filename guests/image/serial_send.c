/* SPDX-License-Identifier: MIT */
#include "serial_send.h"

#include "../serial_pack.h"

#include <string.h>

#define ZEROS_MOST (1u << 30) /* bytes of one frame of zeros, whose size has 32 bits */

/* Where a pass is. */
struct pass {
    const struct serial_sender *sender;
    struct serial_directory directory;
    uint32_t number, sequence;
    uint64_t done, all;
    bool enough;
};

static bool is_zero(const uint8_t *data, uint64_t size)
{
    uint64_t at = 0;

    for (; size - at >= 8; at += 8)
        if (*(const uint64_t *)(data + at))
            return false;
    for (; at < size; at++)
        if (data[at])
            return false;
    return true;
}

static uint32_t piece_size(const struct serial_source *source, uint64_t offset)
{
    uint64_t left = source->length - offset;
    return left < SERIAL_PIECE ? (uint32_t)left : SERIAL_PIECE;
}

/* Bytes of the zeros that begin at offset, in whole pieces. */
static uint32_t zeros_size(const struct serial_source *source, uint64_t offset)
{
    const uint8_t *data = source->data;
    uint64_t at = offset;

    while (at < source->length && at - offset < ZEROS_MOST &&
           is_zero(data + at, piece_size(source, at)))
        at += piece_size(source, at);
    return (uint32_t)(at - offset);
}

static void put(const struct pass *pass, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        /* NOLINTNEXTLINE(*.CallAndMessage): of a structure the analyzer knows no single bytes */
        pass->sender->put(((const uint8_t *)bytes)[i]);
}

static void send_frame(struct pass *pass, const struct serial_source *source, uint64_t offset,
                       uint32_t size, enum serial_encoding encoding, const void *payload,
                       uint32_t payload_size)
{
    struct serial_frame frame = {
        .mark = SERIAL_MARK,
        .version = SERIAL_VERSION,
        .stream = (uint8_t)source->stream,
        .encoding = (uint8_t)encoding,
        .pass = (uint8_t)(pass->number % 256),
        .run = pass->sender->run,
        .offset = offset,
        .length = source->length,
        .size = size,
        .sequence = pass->sequence++,
        .payload_size = payload_size,
    };

    frame.check = serial_frame_check(&frame, payload);
    put(pass, &frame, sizeof(frame));
    put(pass, payload, payload_size);
    if (source->stream != SERIAL_DIRECTORY)
        pass->done += size;
    pass->enough |= pass->sender->enough(pass->number, pass->done, pass->all);
}

static void send_piece(struct pass *pass, const struct serial_source *source, uint64_t offset,
                       uint32_t size)
{
    static uint8_t packed[SERIAL_PIECE + SERIAL_PACK_MOST];
    const uint8_t *piece = (const uint8_t *)source->data + offset;
    size_t used = size % SERIAL_PACK_LINE ? 0 : serial_pack(piece, size, packed, sizeof(packed));

    if (used && used < size)
        send_frame(pass, source, offset, size, SERIAL_PACKED, packed, (uint32_t)used);
    else
        send_frame(pass, source, offset, size, SERIAL_RAW, piece, size);
}

static void send_source(struct pass *pass, const struct serial_source *source)
{
    for (uint64_t offset = 0; offset < source->length;) {
        uint32_t size = zeros_size(source, offset);
        if (size) {
            send_frame(pass, source, offset, size, SERIAL_ZEROS, "", 0);
        } else {
            size = piece_size(source, offset);
            send_piece(pass, source, offset, size);
        }
        offset += size;
    }
}

static uint64_t check_of(const struct serial_source *source)
{
    const uint8_t *data = source->data;
    uint64_t crc = 0;

    for (uint64_t offset = 0; offset < source->length; offset += SERIAL_PIECE) {
        uint32_t size = piece_size(source, offset);
        if (!is_zero(data + offset, size))
            crc = serial_check(crc, offset, data + offset, size);
    }
    return crc;
}

static void send_directory(struct pass *pass)
{
    const struct serial_source source = {SERIAL_DIRECTORY, &pass->directory,
                                         sizeof(pass->directory)};
    send_frame(pass, &source, 0, sizeof(pass->directory), SERIAL_RAW, &pass->directory,
               sizeof(pass->directory));
}

uint32_t serial_send(const struct serial_sender *sender)
{
    struct pass pass = {
        .sender = sender,
        .directory = {.count = sender->count, .passes = sender->passes},
    };

    for (unsigned i = 0; i < sender->count; i++) {
        const struct serial_source *source = &sender->sources[i];
        pass.directory.listed[i] = (struct serial_listed){
            .stream = source->stream, .length = source->length, .check = check_of(source)};
        pass.all += source->length;
    }
    do {
        pass.number++;
        pass.sequence = 0;
        pass.done = 0;
        send_directory(&pass);
        for (unsigned i = 0; i < sender->count; i++)
            send_source(&pass, &sender->sources[i]);
        send_directory(&pass);
    } while (!pass.enough && pass.number != sender->passes);
    return pass.number;
}
