/* SPDX-License-Identifier: MIT */
/*
 * Finds the frames of guests/serial_frame.h in what was captured from a serial line. A frame counts
 * if its check holds and everything in its head is possible; all else is noise.
 */
#ifndef EXITMETER_BENCH_SERIAL_SCAN_H
#define EXITMETER_BENCH_SERIAL_SCAN_H

#include "../guests/serial_frame.h"
#include "files.h"

struct serial_found {
    struct serial_frame frame;
    const uint8_t *payload; /* in the capture */
};

/* Zero it first. */
struct serial_scan {
    struct serial_found *found; /* in the order in which they came */
    size_t count, room;
    uint64_t bytes;   /* of all captures */
    uint64_t outside; /* of those, in no frame: other text, noise, and damaged frames */
    uint64_t damaged; /* frames that are not whole, as far as their marks are */
};

/* Adds a capture's frames; it must outlive the scan. */
void serial_scan(struct serial_scan *scan, const struct bytes *capture);

void serial_scan_free(struct serial_scan *scan);

#endif
