/* SPDX-License-Identifier: MIT */
/*
 * How a run comes out of a machine that has nothing but a serial line: one way, with losses, noise,
 * and other people's text on it. Several streams of bytes are cut into frames, each of which says
 * whose part it is and is checked by itself; the whole is sent in passes, all alike, so that what a
 * capture has lost the next pass brings, or another capture of the same run. Little-endian.
 *
 *   struct serial_frame | payload_size bytes
 *
 * Between frames there may be anything: whoever receives looks for the next mark.
 */
#ifndef EXITMETER_GUESTS_SERIAL_FRAME_H
#define EXITMETER_GUESTS_SERIAL_FRAME_H

#include "crc.h"

/*
 * No text has the first and the last byte; a line feed or a carriage return that something on the
 * way translates breaks every mark.
 */
#define SERIAL_MARK       0xe51a0a0d4d58459eull /* 9e 'E' 'X' 'M' \r \n 1a e5 */
#define SERIAL_VERSION    1u
#define SERIAL_PIECE      4096u        /* bytes of a stream in a frame, but for zeros */
#define SERIAL_SIZE_MAX   (1ull << 32) /* bytes of a stream: what the image can reach */
#define SERIAL_PASSES_MAX 100u

/* What a stream is. */
enum serial_stream {
    SERIAL_DIRECTORY = 0, /* struct serial_directory: which streams there are, as first and last */
    SERIAL_NOTES = 1,     /* what whoever made the image left for whoever reads it, untouched */
    SERIAL_PLAN = 2,      /* struct plan_header ... (plan.h) */
    SERIAL_CONSOLE = 3,   /* what the image said, text */
    SERIAL_RESULTS = 4,   /* struct results_header ... (results.h) */
    SERIAL_STREAMS
};

/* How the payload stands for size bytes of the stream. */
enum serial_encoding {
    SERIAL_RAW = 0,    /* as it is */
    SERIAL_PACKED = 1, /* serial_pack.h */
    SERIAL_ZEROS = 2,  /* there is no payload: all of it is zero */
    SERIAL_ENCODINGS
};

/*
 * A piece starts at a multiple of SERIAL_PIECE, and is one long unless the stream ends before;
 * zeros may be several.
 */
struct serial_frame {
    uint64_t mark;
    uint32_t check; /* crc32c() of the rest of the frame, payload included */
    uint8_t version;
    uint8_t stream;
    uint8_t encoding;
    uint8_t pass;      /* from 1 on */
    uint64_t run;      /* a number that tells two runs apart */
    uint64_t offset;   /* of the piece in its stream */
    uint64_t length;   /* bytes of the whole stream */
    uint32_t size;     /* bytes of the piece ... */
    uint32_t sequence; /* of the frame in its pass, from 0 on */
    uint32_t payload_size;
    uint32_t reserved; /* 0 */
};

#define SERIAL_CHECKED 12u /* where in the frame that which check is of begins */

/* The directory lists the others: a stream that is not in it is not of the run. */
struct serial_listed {
    uint32_t stream;
    uint32_t reserved; /* 0 */
    uint64_t length;
    uint64_t check; /* serial_check() of all of it */
};

#define SERIAL_LISTED_MAX (SERIAL_STREAMS - 1u)

struct serial_directory {
    uint32_t count;  /* of those listed */
    uint32_t passes; /* that are to come in all */
    struct serial_listed listed[SERIAL_LISTED_MAX];
};

_Static_assert(sizeof(struct serial_frame) == 56, "wire format");
_Static_assert(sizeof(struct serial_directory) == 8 + 4 * 24, "wire format");
_Static_assert(sizeof(struct serial_directory) <= SERIAL_PIECE, "a directory is one piece");

static inline uint32_t serial_frame_check(const struct serial_frame *frame, const void *payload)
{
    uint32_t crc =
        crc32c(0, (const uint8_t *)frame + SERIAL_CHECKED, sizeof(*frame) - SERIAL_CHECKED);
    return crc32c(crc, payload, frame->payload_size);
}

/*
 * The check of a whole stream goes over its pieces that are not all zero, each behind its offset:
 * crc of those before, and the next.
 */
static inline uint64_t serial_check(uint64_t crc, uint64_t offset, const void *piece, size_t size)
{
    return crc64(crc64(crc, &offset, sizeof(offset)), piece, size);
}

#endif
