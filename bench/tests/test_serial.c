/* SPDX-License-Identifier: MIT */
/*
 * A line between the image's sender and the harness's receiver, and what lines do. Whatever
 * happens to the bytes: what comes out is what was sent, or nothing, and which bytes are missing.
 */
#include "tests.h"

#include "../../guests/image/serial_send.h"
#include "../../guests/serial_pack.h"
#include "../serial_assemble.h"
#include "../text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM         (8u << 20)
#define RESULTS_SIZE (65u * SERIAL_PIECE)
#define NOTES        "{\"command\": [\"iso\"]}"
#define CONSOLE      "job 1/1 cpuid: done\n"

static uint8_t line[ROOM];
static size_t line_length;
static uint64_t results[RESULTS_SIZE / 8];
static uint64_t plan[517]; /* ends in the middle of a piece */

static void put(uint8_t byte)
{
    assert_true(line_length < ROOM);
    line[line_length++] = byte;
}

static bool never_enough(uint32_t pass, uint64_t done, uint64_t all)
{
    assert_true(pass > 0 && done <= all);
    return false;
}

static bool enough(uint32_t pass, uint64_t done, uint64_t all)
{
    (void)done;
    (void)all;
    return pass == 3;
}

/* Every third piece as records are, one as noise is, the rest zero. */
static void fill(uint64_t *random)
{
    memset(results, 0, sizeof(results));
    for (size_t piece = 0; piece < RESULTS_SIZE / SERIAL_PIECE; piece += 3)
        for (size_t i = 0; i < SERIAL_PIECE / 8; i++)
            results[piece * SERIAL_PIECE / 8 + i] =
                0x123456789abull + 1000 * i + random_below(random, 100);
    for (size_t i = 0; i < SERIAL_PIECE / 8; i++)
        results[4 * SERIAL_PIECE / 8 + i] = ~(uint64_t)random_below(random, UINT32_MAX) << 13;
    for (size_t i = 0; i < sizeof(plan) / 8; i++)
        plan[i] = random_below(random, 3);
}

static const struct serial_source sources[] = {
    {SERIAL_NOTES, NOTES, sizeof(NOTES) - 1},
    {SERIAL_PLAN, plan, sizeof(plan)},
    {SERIAL_CONSOLE, CONSOLE, sizeof(CONSOLE) - 1},
    {SERIAL_RESULTS, results, sizeof(results)},
};

static uint32_t send(uint64_t run, uint32_t passes)
{
    const struct serial_sender sender = {.run = run,
                                         .passes = passes,
                                         .sources = sources,
                                         .count = 4,
                                         .put = put,
                                         .enough = passes ? never_enough : enough};
    return serial_send(&sender);
}

static int start(void **state)
{
    uint64_t random = 1;
    (void)state;
    line_length = 0;
    fill(&random);
    return 0;
}

static void is_what_was_sent(const struct serial_run *run)
{
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        const struct serial_content *content = &run->streams[sources[i].stream];
        assert_true(content->listed);
        assert_int_equal(content->length, sources[i].length);
        assert_memory_equal(content->data, sources[i].data, sources[i].length);
    }
}

/* Scans the line and puts the run together: the error, or NULL if it is whole and right. */
static char *receive(struct serial_scan *scan, uint64_t id, const uint8_t *data, size_t size)
{
    const struct bytes capture = {data, size};
    struct serial_run run;
    char *error;

    serial_scan(scan, &capture);
    int result = serial_assemble(scan, id, &run, &error);
    assert_int_equal(result, error ? -1 : 0);
    if (!error)
        is_what_was_sent(&run);
    serial_run_free(&run);
    return error;
}

static char *receive_line(uint64_t id)
{
    struct serial_scan scan = {0};
    char *error = receive(&scan, id, line, line_length);
    serial_scan_free(&scan);
    return error;
}

static void checksums(void **state)
{
    (void)state;
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_true(crc64(0, "123456789", 9) == 0x995dc9bbdf1939faull);
    assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void packing(void **state)
{
    uint64_t random = 5, data[64], back[64];
    uint8_t packed[600];
    (void)state;
    for (int round = 0; round < 2000; round++) {
        unsigned shift = random_below(&random, 64);
        for (size_t i = 0; i < 64; i++)
            data[i] = ((uint64_t)random_below(&random, UINT32_MAX) << 32 |
                       random_below(&random, UINT32_MAX)) >>
                      shift;
        size_t used = serial_pack((const uint8_t *)data, sizeof(data), packed, sizeof(packed));
        assert_true(used >= 8 * 4 && used <= 8 * SERIAL_PACK_MOST);
        assert_true(serial_unpack(packed, used, (uint8_t *)back, sizeof(back)));
        assert_memory_equal(back, data, sizeof(data));
        assert_false(serial_unpack(packed, used - 1, (uint8_t *)back, sizeof(back)));
        assert_false(serial_unpack(packed, used + 1, (uint8_t *)back, sizeof(back)));
    }
    assert_int_equal(serial_pack((const uint8_t *)data, sizeof(data), packed, 70), 0);
    memset(packed, 0xff, sizeof(packed)); /* widths of 15 */
    assert_false(serial_unpack(packed, sizeof(packed), (uint8_t *)back, sizeof(back)));
}

static void a_quiet_line(void **state)
{
    struct serial_scan scan = {0};
    (void)state;
    assert_int_equal(send(7, 1), 1);
    assert_true(line_length < 22 * SERIAL_PIECE); /* 23 pieces of results are not zero */
    assert_null(receive(&scan, 7, line, line_length));
    assert_int_equal(scan.outside, 0);
    assert_int_equal(scan.damaged, 0);
    assert_int_equal(scan.bytes, line_length);
    serial_scan_free(&scan);
}

static void passes_until_it_is_enough(void **state)
{
    (void)state;
    assert_int_equal(send(7, 0), 3);
    assert_null(receive_line(7));
}

/* Firmware, GRUB, the image's own console: before, after and in between. */
static void other_text(void **state)
{
    static const char hello[] = "GRUB loading.\r\nWelcome to GRUB!\r\n";
    struct serial_scan scan = {0};
    (void)state;
    for (const char *c = hello; *c; c++)
        put((uint8_t)*c);
    send(7, 1);
    for (const char *c = hello; *c; c++)
        put((uint8_t)*c);
    assert_null(receive(&scan, 7, line, line_length));
    assert_int_equal(scan.outside, 2 * (sizeof(hello) - 1));
    assert_int_equal(scan.damaged, 0);
    serial_scan_free(&scan);
}

static void nothing_at_all(void **state)
{
    (void)state;
    char *error = receive_line(7);
    assert_non_null(strstr(error, "missing: its directory"));
    free(error);
}

/* One wrong bit of one pass, wherever it is: noticed, and what is missing is told to the byte. */
static void a_flipped_bit(void **state)
{
    (void)state;
    send(7, 1);
    struct serial_scan whole = {0};
    const struct bytes capture = {line, line_length};
    serial_scan(&whole, &capture);
    for (size_t at = 11; at < line_length; at += 97) {
        struct serial_scan scan = {0};
        line[at] ^= (uint8_t)(1u << at % 8);
        char *error = receive(&scan, 7, line, line_length);
        line[at] ^= (uint8_t)(1u << at % 8);
        assert_int_equal(scan.count, whole.count - 1);
        assert_true(scan.outside > 0);
        /* of two directories one is enough */
        for (size_t i = 0; i < whole.count; i++) {
            const struct serial_frame *frame = &whole.found[i].frame;
            size_t begins = (size_t)(whole.found[i].payload - line) - sizeof(*frame);
            if (at < begins || at >= begins + sizeof(*frame) + frame->payload_size)
                continue;
            if (frame->stream == SERIAL_DIRECTORY) {
                assert_null(error);
            } else {
                char range[64];
                snprintf(range, sizeof(range), "(%llu-%llu)", (unsigned long long)frame->offset,
                         (unsigned long long)frame->offset + frame->size - 1);
                assert_non_null(error);
                assert_non_null(strstr(error, range));
            }
        }
        free(error);
        serial_scan_free(&scan);
    }
    serial_scan_free(&whole);
}

/* What the first pass has lost the second brings. */
static void the_second_pass(void **state)
{
    (void)state;
    send(7, 1);
    size_t first = line_length;
    line_length = 0;
    send(7, 2);
    for (size_t at = 0; at < first; at += 1000)
        line[at] ^= 0x10;
    assert_null(receive_line(7));
    memset(line + first / 2, 0, first); /* the end of one and the start of the other */
    char *error = receive_line(7);
    assert_non_null(error);
    free(error);
}

/* Two captures of a run, each with half of it lost. */
static void two_captures(void **state)
{
    struct serial_scan scan = {0};
    (void)state;
    send(7, 1);
    uint8_t *other = malloc(line_length);
    memcpy(other, line, line_length);
    size_t half = line_length / 2;
    char *error = receive(&scan, 7, line, half + 5000);
    assert_non_null(strstr(error, "of the results"));
    free(error);
    assert_null(receive(&scan, 7, other + half, line_length - half));
    serial_scan_free(&scan);
    free(other);
}

/* Frames of two runs never meet. */
static void two_runs(void **state)
{
    struct serial_scan scan = {0};
    size_t count;
    (void)state;
    send(8, 1);
    results[0]++;
    send(7, 1);
    assert_null(receive(&scan, 7, line, line_length));
    uint64_t *ids = serial_run_ids(&scan, &count);
    assert_int_equal(count, 2);
    assert_int_equal(ids[0], 8);
    assert_int_equal(ids[1], 7);
    free(ids);
    serial_scan_free(&scan);
}

/* Two runs that claim to be one: neither is believed. */
static void a_contradiction(void **state)
{
    (void)state;
    send(7, 1);
    results[0]++;
    send(7, 1);
    char *error = receive_line(7);
    assert_non_null(strstr(error, "directories contradict each other"));
    free(error);
}

/* A frame of the results' last piece, which is zero, that says otherwise. */
static void forge(uint64_t run)
{
    static const uint8_t piece[SERIAL_PIECE] = {1};
    struct serial_frame frame = {.mark = SERIAL_MARK,
                                 .version = SERIAL_VERSION,
                                 .stream = SERIAL_RESULTS,
                                 .pass = 1,
                                 .run = run,
                                 .offset = RESULTS_SIZE - SERIAL_PIECE,
                                 .length = RESULTS_SIZE,
                                 .size = SERIAL_PIECE,
                                 .payload_size = SERIAL_PIECE};

    frame.check = serial_frame_check(&frame, piece);
    for (size_t i = 0; i < sizeof(frame); i++)
        put(((const uint8_t *)&frame)[i]);
    for (size_t i = 0; i < SERIAL_PIECE; i++)
        put(piece[i]);
}

/* A frame whose check holds by chance: the others, or the check of the whole, say otherwise. */
static void a_false_frame(void **state)
{
    (void)state;
    send(7, 1);
    size_t honest = line_length;
    forge(7);
    char *error = receive_line(7);
    assert_non_null(error);
    assert_non_null(strstr(error, "two frames of its results"));
    free(error);
    results[RESULTS_SIZE / 8 - SERIAL_PIECE / 8] = 1; /* now it is true, and known twice */
    memset(line, 0, honest);
    line_length = 0;
    send(7, 1);
    forge(7);
    assert_null(receive_line(7));

    line_length = 0;
    results[RESULTS_SIZE / 8 - 1] = 1;
    send(7, 1);
    struct serial_scan scan = {0};
    const struct bytes capture = {line, line_length};
    serial_scan(&scan, &capture);
    const struct serial_found *last = &scan.found[scan.count - 2]; /* before the directory */
    assert_int_equal(last->frame.offset, RESULTS_SIZE - SERIAL_PIECE);
    line[last->payload - line] ^= 1;
    serial_scan_free(&scan);
    forge(7);
    error = receive_line(7);
    assert_non_null(error);
    assert_non_null(strstr(error, "the check of the whole does not hold"));
    free(error);
}

/* A line that flips, loses and adds bytes at random. */
static size_t damage(uint64_t *random, const uint8_t *from, size_t size, uint8_t *to,
                     uint32_t one_in)
{
    size_t length = 0;

    for (size_t i = 0; i < size; i++) {
        if (random_below(random, one_in)) {
            to[length++] = from[i];
            continue;
        }
        switch (random_below(random, 4)) {
        case 0:
            to[length++] = from[i] ^ (uint8_t)(1u << random_below(random, 8));
            break;
        case 1:
            to[length++] = from[i];
            to[length++] = (uint8_t)random_below(random, 256);
            break;
        case 2: /* a burst */
            i += random_below(random, 200);
            break;
        default:
            break;
        }
    }
    return random_below(random, 4) ? length : random_below(random, (uint32_t)length);
}

static void a_noisy_line(void **state)
{
    uint64_t random = 11;
    unsigned whole = 0, lost = 0;
    (void)state;
    send(7, 2);
    uint8_t *noisy = malloc(4 * line_length);
    for (int round = 0; round < 300; round++) {
        struct serial_scan scan = {0};
        uint32_t one_in = 1u << (7 + random_below(&random, 14));
        size_t size = damage(&random, line, line_length, noisy, one_in);
        char *error = receive(&scan, 7, noisy, size);
        *(error ? &lost : &whole) += 1;
        if (error && !strstr(error, "missing: "))
            fail_msg("%s", error);
        free(error);
        serial_scan_free(&scan);
    }
    free(noisy);
    assert_true(whole > 50 && lost > 50);
}

/* Heads that a sender cannot have sent, though their check holds, are noise. */
static void impossible_heads(void **state)
{
    const struct serial_frame good = {.mark = SERIAL_MARK,
                                      .version = SERIAL_VERSION,
                                      .stream = SERIAL_RESULTS,
                                      .encoding = SERIAL_ZEROS,
                                      .pass = 1,
                                      .run = 7,
                                      .length = 3 * SERIAL_PIECE,
                                      .size = SERIAL_PIECE};
    struct serial_frame bad[12];
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        bad[i] = good;
    bad[1].version = 2;
    bad[2].stream = SERIAL_STREAMS;
    bad[3].encoding = SERIAL_ENCODINGS;
    bad[4].length = SERIAL_SIZE_MAX + 1;
    bad[5].offset = 8;
    bad[6].offset = 3 * SERIAL_PIECE;
    bad[7].size = 4 * SERIAL_PIECE;
    bad[8].size = 0;
    bad[9].size = 100;
    bad[10].reserved = 1;
    bad[11].encoding = SERIAL_PACKED;
    bad[11].payload_size = SERIAL_PIECE;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct serial_scan scan = {0};
        memset(line + SERIAL_PIECE + sizeof(bad[i]), 0, SERIAL_PIECE);
        bad[i].check = serial_frame_check(&bad[i], line + SERIAL_PIECE + sizeof(bad[i]));
        memcpy(line + SERIAL_PIECE, &bad[i], sizeof(bad[i]));
        const struct bytes capture = {line + SERIAL_PIECE, sizeof(bad[i]) + SERIAL_PIECE};
        serial_scan(&scan, &capture);
        assert_int_equal(scan.count, i == 0);
        assert_int_equal(scan.damaged, i != 0);
        serial_scan_free(&scan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums),
        cmocka_unit_test(packing),
        cmocka_unit_test_setup(a_quiet_line, start),
        cmocka_unit_test_setup(passes_until_it_is_enough, start),
        cmocka_unit_test_setup(other_text, start),
        cmocka_unit_test_setup(nothing_at_all, start),
        cmocka_unit_test_setup(a_flipped_bit, start),
        cmocka_unit_test_setup(the_second_pass, start),
        cmocka_unit_test_setup(two_captures, start),
        cmocka_unit_test_setup(two_runs, start),
        cmocka_unit_test_setup(a_contradiction, start),
        cmocka_unit_test_setup(a_false_frame, start),
        cmocka_unit_test_setup(a_noisy_line, start),
        cmocka_unit_test_setup(impossible_heads, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
