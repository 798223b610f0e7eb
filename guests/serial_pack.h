/* SPDX-License-Identifier: MIT */
/*
 * The encoding SERIAL_PACKED: records and samples are counts and time stamps, each a little more
 * than the one 64 bytes before. Of each 64 bytes, eight differences to the eight bytes that lie 64
 * before (to 0 at the start), sign in the lowest bit, in as few bytes as they take:
 *
 *   4 bytes: how many each takes, 0 to 8, in four bits, the first lowest | the differences
 */
#ifndef EXITMETER_GUESTS_SERIAL_PACK_H
#define EXITMETER_GUESTS_SERIAL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define SERIAL_PACK_LINE 64u
#define SERIAL_PACK_MOST 68u /* bytes that a line can take */

/*
 * Packs size bytes, a multiple of 64, into room bytes. Returns the bytes that it took, or 0 if they
 * are not enough.
 */
static inline size_t serial_pack(const uint8_t *data, size_t size, uint8_t *into, size_t room)
{
    uint64_t before[8] = {0};
    size_t used = 0;

    for (size_t at = 0; at < size; at += SERIAL_PACK_LINE) {
        uint32_t widths = 0;
        size_t put = used + sizeof(widths);
        if (room - used < SERIAL_PACK_MOST)
            return 0;
        for (unsigned i = 0; i < 8; i++) {
            uint64_t word;
            memcpy(&word, data + at + 8 * i, sizeof(word));
            uint64_t difference = word - before[i];
            difference = difference << 1 ^ (difference >> 63 ? UINT64_MAX : 0);
            before[i] = word;
            for (; difference; difference >>= 8, widths += 1u << 4 * i)
                into[put++] = (uint8_t)difference;
        }
        memcpy(into + used, &widths, sizeof(widths));
        used = put;
    }
    return used;
}

/* The way back: exactly used bytes make exactly size bytes, a multiple of 64, or it is false. */
static inline bool serial_unpack(const uint8_t *from, size_t used, uint8_t *data, size_t size)
{
    uint64_t before[8] = {0};
    size_t got = 0;

    for (size_t at = 0; at < size; at += SERIAL_PACK_LINE) {
        uint32_t widths;
        if (used - got < sizeof(widths))
            return false;
        memcpy(&widths, from + got, sizeof(widths));
        got += sizeof(widths);
        for (unsigned i = 0; i < 8; i++) {
            unsigned width = widths >> 4 * i & 15;
            uint64_t difference = 0;
            if (width > 8 || used - got < width)
                return false;
            for (unsigned byte = 0; byte < width; byte++)
                difference |= (uint64_t)from[got++] << 8 * byte;
            before[i] += difference >> 1 ^ (difference & 1 ? UINT64_MAX : 0);
            memcpy(data + at + 8 * i, &before[i], sizeof(before[i]));
        }
    }
    return got == used;
}

#endif
