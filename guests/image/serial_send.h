/* SPDX-License-Identifier: MIT */
/* Sends streams of bytes over a line that may lose some: guests/serial_frame.h. */
#ifndef EXITMETER_GUESTS_IMAGE_SERIAL_SEND_H
#define EXITMETER_GUESTS_IMAGE_SERIAL_SEND_H

#include "../serial_frame.h"

#include <stdbool.h>

struct serial_source {
    enum serial_stream stream; /* not the directory: that is made of the others */
    const void *data;          /* at an address that is a multiple of 8, and stays as it is */
    uint64_t length;           /* SERIAL_SIZE_MAX at most */
};

/* What there is to send, and how. */
struct serial_sender {
    uint64_t run;    /* tells this run from any other */
    uint32_t passes; /* SERIAL_PASSES_MAX at most; 0: until `enough` says so */
    const struct serial_source *sources;
    unsigned count; /* SERIAL_LISTED_MAX at most */
    void (*put)(uint8_t byte);
    /* Asked behind each frame, done of all bytes of the pass being sent; true: no pass follows. */
    bool (*enough)(uint32_t pass, uint64_t done, uint64_t all);
};

/* Sends the whole in passes. Returns how many it was. */
uint32_t serial_send(const struct serial_sender *sender);

#endif
