/* SPDX-License-Identifier: MIT */
#include "serial_scan.h"

#include "../guests/serial_pack.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* What a sender can have sent; a packed piece is unpacked where it is put together. */
static bool is_possible(const struct serial_frame *frame)
{
    uint64_t end = frame->offset + frame->size;

    if (frame->version != SERIAL_VERSION || frame->reserved || frame->stream >= SERIAL_STREAMS ||
        frame->length > SERIAL_SIZE_MAX || frame->offset % SERIAL_PIECE || !frame->size ||
        frame->offset >= frame->length || frame->size > frame->length - frame->offset ||
        (end % SERIAL_PIECE && end != frame->length))
        return false;
    switch (frame->encoding) {
    case SERIAL_RAW:
        return frame->size <= SERIAL_PIECE && frame->payload_size == frame->size;
    case SERIAL_PACKED:
        return frame->size <= SERIAL_PIECE && frame->size % SERIAL_PACK_LINE == 0 &&
               frame->payload_size < frame->size;
    case SERIAL_ZEROS:
        return frame->payload_size == 0;
    default:
        return false;
    }
}

/* The bytes of the frame at data, whose mark is there; 0 if there is none. */
static size_t frame_at(const uint8_t *data, size_t size, struct serial_found *found)
{
    struct serial_frame *frame = &found->frame;

    if (size < sizeof(*frame))
        return 0;
    memcpy(frame, data, sizeof(*frame));
    found->payload = data + sizeof(*frame);
    if (!is_possible(frame) || frame->payload_size > size - sizeof(*frame) ||
        serial_frame_check(frame, found->payload) != frame->check)
        return 0;
    return sizeof(*frame) + frame->payload_size;
}

static void keep(struct serial_scan *scan, const struct serial_found *found)
{
    if (scan->count == scan->room) {
        scan->room = scan->room ? 2 * scan->room : 1024;
        struct serial_found *more = zeroed(scan->room, sizeof(*more));
        if (scan->count)
            memcpy(more, scan->found, scan->count * sizeof(*more));
        free(scan->found);
        scan->found = more;
    }
    scan->found[scan->count++] = *found;
}

void serial_scan(struct serial_scan *scan, const struct bytes *capture)
{
    const uint64_t mark = SERIAL_MARK;
    size_t at = 0;

    scan->bytes += capture->size;
    while (at < capture->size) {
        const uint8_t *next = memmem(capture->data + at, capture->size - at, &mark, sizeof(mark));
        size_t to = next ? (size_t)(next - capture->data) : capture->size;
        scan->outside += to - at;
        at = to;
        if (!next)
            break;
        struct serial_found found;
        size_t used = frame_at(next, capture->size - at, &found);
        if (used) {
            keep(scan, &found);
        } else { /* what follows its mark may be another's */
            scan->damaged++;
            scan->outside += sizeof(mark);
            used = sizeof(mark);
        }
        at += used;
    }
}

void serial_scan_free(struct serial_scan *scan)
{
    free(scan->found);
    *scan = (struct serial_scan){0};
}
