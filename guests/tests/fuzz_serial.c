/* SPDX-License-Identifier: MIT */
/*
 * The receiver of a serial line under libFuzzer: `make fuzz`. The first byte of the input chooses
 * how the rest comes: as it is, or over the capture of a whole run, whose frames' checks are made
 * right again, which it would take long to invent. What comes out is what was sent, or nothing.
 */
#include "../../bench/serial_assemble.h"
#include "../image/serial_send.h"

#include <stdlib.h>
#include <string.h>

#define RUN  7u
#define ROOM (256u << 10)

static uint8_t line[ROOM], hit[ROOM];
static size_t length;
static uint64_t results[6 * SERIAL_PIECE / 8];
static const char notes[] __attribute__((aligned(8))) = "{\"schema\": \"none\"}";

static const struct serial_source sources[] = {
    {SERIAL_NOTES, notes, sizeof(notes) - 1},
    {SERIAL_RESULTS, results, sizeof(results)},
};

static void require(int holds)
{
    if (!holds)
        abort();
}

static void put(uint8_t byte)
{
    require(length < ROOM);
    line[length++] = byte;
}

static bool enough(uint32_t pass, uint64_t done, uint64_t all)
{
    return pass == 0 || done > all;
}

static void send_once(void)
{
    const struct serial_sender sender = {
        .run = RUN, .passes = 2, .sources = sources, .count = 2, .put = put, .enough = enough};

    for (size_t i = 0; i < sizeof(results) / 8; i++)
        results[i] = i / 512 % 2 ? 0 : 0x1000 + 17 * i;
    serial_send(&sender);
}

/* Bytes of the input, three each: where, and what to change. */
static size_t strike(const uint8_t *data, size_t size)
{
    memcpy(hit, line, length);
    for (; size >= 3; data += 3, size -= 3)
        hit[(data[0] | (size_t)data[1] << 8) * 3 % length] ^= data[2];
    return length;
}

/* Makes each frame's check hold that has a mark and the length that it says. */
static void mend(size_t size)
{
    const uint64_t mark = SERIAL_MARK;

    for (size_t at = 0; at + sizeof(struct serial_frame) <= size; at++) {
        struct serial_frame frame;
        memcpy(&frame, hit + at, sizeof(frame));
        if (memcmp(&frame, &mark, sizeof(mark)) != 0 ||
            frame.payload_size > size - at - sizeof(frame))
            continue;
        frame.check = serial_frame_check(&frame, hit + at + sizeof(frame));
        memcpy(hit + at, &frame, sizeof(frame));
    }
}

static void receive(const uint8_t *data, size_t size, bool honest)
{
    const struct bytes capture = {data, size};
    struct serial_scan scan = {0};
    struct serial_run run;
    char *error;
    size_t count;

    serial_scan(&scan, &capture);
    require(scan.outside <= size && scan.bytes == size);
    uint64_t *ids = serial_run_ids(&scan, &count);
    for (size_t i = 0; i < count && i < 4; i++) {
        int result = serial_assemble(&scan, ids[i], &run, &error);
        require((result == 0) == (error == NULL));
        for (size_t j = 0; result == 0 && honest && j < 2; j++)
            require(run.streams[sources[j].stream].length == sources[j].length &&
                    memcmp(run.streams[sources[j].stream].data, sources[j].data,
                           sources[j].length) == 0);
        free(error);
        serial_run_free(&run);
    }
    free(ids);
    serial_scan_free(&scan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!length)
        send_once();
    if (!size)
        return 0;
    switch (data[0] % 3) {
    case 0:
        receive(data + 1, size - 1, false);
        break;
    case 1:
        receive(hit, strike(data + 1, size - 1), true);
        break;
    default:
        strike(data + 1, size - 1);
        mend(length);
        receive(hit, length, false);
    }
    return 0;
}
