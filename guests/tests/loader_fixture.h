/* SPDX-License-Identifier: MIT */
/*
 * For the tests of the loaders: a machine's memory map, a request, and what must hold of whatever
 * load_guest() answers. Image, initial RAM disk and scratch are as long as they say to the byte, so
 * that the sanitizer sees what reaches over.
 */
#ifndef EXITMETER_GUESTS_TESTS_LOADER_FIXTURE_H
#define EXITMETER_GUESTS_TESTS_LOADER_FIXTURE_H

#include "../../core/tests/tests.h"
#include "../loader/loader.h"

#include <stdlib.h>
#include <string.h>

#define MIB          0x100000ul
#define FIXTURE_ROOM (1u << 20) /* bytes an image can have here */

/* A machine of 128 MiB; the core has 16 MiB of them in the middle. */
static const struct load_range fixture_map[] = {
    {0xf0000, 0x100000, LOAD_RESERVED},      {0, 0x9f000, LOAD_RAM},
    {0x100000, 64 * MIB, LOAD_RAM},          {64 * MIB, 80 * MIB, LOAD_RESERVED},
    {80 * MIB, 127 * MIB, LOAD_RAM},         {127 * MIB, 128 * MIB, LOAD_ACPI},
    {0xfee00000, 0xfee01000, LOAD_RESERVED},
};

struct fixture {
    uint8_t bytes[FIXTURE_ROOM]; /* where the tests compose the image */
    uint64_t size;
    struct load_request request; /* the image aside */
    struct load_result result;
    void *image, *scratch;
};

/* Bytes of [start, end) that ranges of the type have; they do not overlap one another here. */
static inline uint64_t fixture_covered(const struct load_request *request, bool ram, uint64_t start,
                                       uint64_t end)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < request->map_count; i++) {
        const struct load_range *range = &request->map[i];
        uint64_t from = range->start > start ? range->start : start;
        uint64_t to = range->end < end ? range->end : end;
        if ((range->type == LOAD_RAM) == ram && from < to)
            sum += to - from;
    }
    return sum;
}

static inline bool fixture_inside(const void *from, uint64_t size, const void *bytes, uint64_t room)
{
    return (const char *)from >= (const char *)bytes &&
           (const char *)from + size <= (const char *)bytes + room;
}

/* loader.h's promises of the pieces. */
static inline void fixture_check_pieces(const struct fixture *fixture)
{
    const struct load_request *request = &fixture->request;
    const struct load_result *result = &fixture->result;

    assert_true(result->piece_count > 0 && result->piece_count <= LOAD_PIECES_MAX);
    for (unsigned i = 0; i < result->piece_count; i++) {
        const struct load_piece *piece = &result->pieces[i];
        uint64_t end = piece->to + piece->room;
        assert_true(piece->to >= 4096 && end > piece->to && end <= LOAD_LIMIT);
        assert_true(piece->from_size <= piece->size && piece->size <= piece->room);
        assert_int_equal(fixture_covered(request, true, piece->to, end), piece->room);
        assert_int_equal(fixture_covered(request, false, piece->to, end), 0);
        assert_true(
            !piece->from_size ||
            fixture_inside(piece->from, piece->from_size, fixture->image, fixture->size) ||
            fixture_inside(piece->from, piece->from_size, request->initrd, request->initrd_size) ||
            fixture_inside(piece->from, piece->from_size, fixture->scratch, LOAD_SCRATCH) ||
            piece->from == request->cmdline || !strcmp(piece->from, ""));
        for (unsigned j = 0; j < i; j++)
            assert_true(end <= result->pieces[j].to ||
                        result->pieces[j].to + result->pieces[j].room <= piece->to);
    }
}

/* The bytes that come to lie at a guest-physical address; NULL if no piece writes all of them. */
static inline const void *fixture_at(const struct fixture *fixture, uint64_t at, uint64_t size)
{
    for (unsigned i = 0; i < fixture->result.piece_count; i++) {
        const struct load_piece *piece = &fixture->result.pieces[i];
        if (at >= piece->to && at + size <= piece->to + piece->from_size)
            return (const char *)piece->from + (at - piece->to);
    }
    return NULL;
}

static inline bool fixture_is_within(const struct fixture *fixture, uint64_t at)
{
    for (unsigned i = 0; i < fixture->result.piece_count; i++) {
        const struct load_piece *piece = &fixture->result.pieces[i];
        if (at >= piece->to && at - piece->to < piece->size)
            return true;
    }
    return false;
}

/* Of a load that is planned: what can be entered, and the tables that the start says there are. */
static inline void fixture_check_start(const struct fixture *fixture)
{
    const struct load_result *result = &fixture->result;

    assert_true(fixture_is_within(
        fixture, result->start == LOAD_START_REAL ? result->cs * 16ul + result->rip : result->rip));
    if (result->start == LOAD_START_REAL) {
        assert_true(result->rip < 0x10000 && result->rsp < 0x10000 && !result->gdt && !result->cr3);
        return;
    }
    assert_int_equal(result->cs, LOAD_CS);
    const uint64_t *gdt = fixture_at(fixture, result->gdt, result->gdt_limit + 1ul);
    assert_non_null(gdt);
    assert_true(result->gdt_limit >= LOAD_DS + 7);
    bool wide = result->start == LOAD_START_LONG;
    assert_int_equal(gdt[LOAD_CS / 8], wide ? 0x00af9b000000ffff : 0x00cf9b000000ffff);
    assert_int_equal(gdt[LOAD_DS / 8], 0x00cf93000000ffff);
    assert_int_equal(!result->cr3, !wide);
}

/* Loads what was composed; what is promised of any answer has been checked then. */
static inline const char *fixture_load(struct fixture *fixture)
{
    free(fixture->image);
    fixture->image = malloc(fixture->size ? fixture->size : 1);
    memcpy(fixture->image, fixture->bytes, fixture->size);
    fixture->request.image = fixture->image;
    fixture->request.image_size = fixture->size;
    memset(&fixture->result, 0xee, sizeof(fixture->result));
    memset(fixture->scratch, 0xee, LOAD_SCRATCH);
    const char *wrong =
        load_guest(&fixture->request, &fixture->result, fixture->scratch, LOAD_SCRATCH);
    if (wrong) {
        assert_ptr_equal(wrong, fixture->result.text);
        assert_true(strlen(wrong) > 10 && strlen(wrong) < LOAD_TEXT);
        return wrong;
    }
    fixture_check_pieces(fixture);
    fixture_check_start(fixture);
    return NULL;
}

static inline void fixture_accepts(struct fixture *fixture)
{
    const char *wrong = fixture_load(fixture);

    if (wrong)
        fail_msg("refused: %s", wrong);
}

static inline void fixture_refuses(struct fixture *fixture, const char *text)
{
    const char *wrong = fixture_load(fixture);

    assert_non_null(wrong);
    assert_string_equal(wrong, text);
}

static inline void fixture_put(struct fixture *fixture, uint64_t at, const void *bytes,
                               uint64_t size)
{
    assert_true(at + size <= FIXTURE_ROOM);
    memcpy(fixture->bytes + at, bytes, size);
    if (at + size > fixture->size)
        fixture->size = at + size;
}

static inline void fixture_put_32(struct fixture *fixture, uint64_t at, uint32_t value)
{
    fixture_put(fixture, at, &value, sizeof(value));
}

static inline uint32_t fixture_get_32(const struct fixture *fixture, uint64_t at)
{
    uint32_t value;

    memcpy(&value, fixture->bytes + at, sizeof(value));
    return value;
}

static inline struct fixture *fixture_make(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    fixture->scratch = aligned_alloc(8, LOAD_SCRATCH);
    fixture->request.map = fixture_map;
    fixture->request.map_count = COUNT_OF(fixture_map);
    return fixture;
}

static inline void fixture_free(struct fixture *fixture)
{
    free(fixture->image);
    free(fixture->scratch);
    free(fixture);
}

static inline int fixture_setup(void **state)
{
    *state = fixture_make();
    return 0;
}

static inline int fixture_teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

#define FIXTURE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

#endif
