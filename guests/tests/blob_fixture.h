/* SPDX-License-Identifier: MIT */
/* A small valid blob, built afresh for each test: two rows whose code is a few NOPs. */
#ifndef EXITMETER_GUESTS_TESTS_BLOB_FIXTURE_H
#define EXITMETER_GUESTS_TESTS_BLOB_FIXTURE_H

#include "../../core/tests/tests.h"
#include "../image/guest_memory.h"

#include <string.h>

#define FIXTURE_ROWS 2u
#define FIXTURE_TEXT 47u /* bytes of all strings, their NULs included */

struct fixture_blob {
    struct blob_header header;
    struct blob_row rows[FIXTURE_ROWS];
    uint8_t code[16];
    char text[64];
};

static inline uint64_t fixture_text(struct fixture_blob *blob, size_t *at, const char *text)
{
    size_t offset = offsetof(struct fixture_blob, text) + *at;
    strcpy(blob->text + *at, text);
    *at += strlen(text) + 1;
    return GUEST_BLOB_BASE + offset;
}

static inline void fixture_blob_make(struct fixture_blob *blob)
{
    const uint64_t code = GUEST_BLOB_BASE + offsetof(struct fixture_blob, code);
    size_t at = 0;

    memset(blob, 0, sizeof(*blob));
    memset(blob->code, 0x90, sizeof(blob->code));
    memcpy(blob->code + 2, "\xf4low", 5);
    blob->header = (struct blob_header){
        .magic = GUEST_BLOB_MAGIC,
        .version = GUEST_BLOB_VERSION,
        .row_size = sizeof(struct blob_row),
        .row_count = FIXTURE_ROWS,
        .rows = GUEST_BLOB_BASE + offsetof(struct fixture_blob, rows),
        .entry = code,
        .entry_protected = code + 1,
        .low = code + 2,
        .low_size = 5,
        .file_end = GUEST_BLOB_BASE + sizeof(*blob),
        .memory_end = GUEST_BLOB_BASE + sizeof(*blob) + 0x1234,
    };
    for (unsigned i = 0; i < FIXTURE_ROWS; i++)
        blob->rows[i] = (struct blob_row){
            .name = fixture_text(blob, &at, i ? "second" : "first"),
            .description = fixture_text(blob, &at, "does nothing"),
            .instruction = fixture_text(blob, &at, "NOP"),
            .op = code + 2 * i,
            .control = code + 2 * i + 1,
            .twice = code + 2 * i,
            .exits = {{.reason = 10, .times = 1}},
        };
}

#endif
