/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../../probes/probe_cpu.h"
#include "../corpus.h"

#include <stdlib.h>
#include <string.h>

#define ROWS 3u

/* A blob of three rows with strings behind them. */
struct blob {
    struct blob_header header;
    struct blob_row rows[ROWS];
    uint8_t code[8];
    char strings[4][32]; /* three names, one for everything else */
};

#define ADDRESS(member) (GUEST_BLOB_BASE + offsetof(struct blob, member))

static struct blob sound(void)
{
    struct blob blob = {
        .header = {.magic = GUEST_BLOB_MAGIC,
                   .version = GUEST_BLOB_VERSION,
                   .row_size = sizeof(struct blob_row),
                   .row_count = ROWS,
                   .rows = ADDRESS(rows),
                   .entry = ADDRESS(code),
                   .entry_protected = ADDRESS(code),
                   .low = ADDRESS(code),
                   .low_size = 8,
                   .file_end = GUEST_BLOB_BASE + sizeof(struct blob),
                   .memory_end = GUEST_BLOB_BASE + sizeof(struct blob) + 64},
        .strings = {"cpuid", "io/in-80", "check/x", "words"},
    };
    for (uint32_t i = 0; i < ROWS; i++)
        blob.rows[i] = (struct blob_row){.name = ADDRESS(strings) + i * 32,
                                         .description = ADDRESS(strings[3]),
                                         .instruction = ADDRESS(strings[3]),
                                         .op = ADDRESS(code),
                                         .control = ADDRESS(code)};
    blob.rows[1].exits[0] =
        (struct row_exit){.reason = 30, .times = 1, .gate = GATE_IO, .index = 0x80, .width = 4};
    blob.rows[0].setup = blob.rows[0].teardown = blob.rows[0].twice = ADDRESS(code);
    blob.rows[0].other = ADDRESS(code);
    blob.rows[0].requires = ROW_REQUIRES_TWO_CPUS;
    blob.rows[2].flags = ROW_CHECK;
    blob.rows[2].control = 0;
    return blob;
}

/* Parses a copy on the heap of exactly this size, so that the sanitizer sees every step too far. */
static char *parse(const struct blob *blob, size_t size)
{
    struct corpus corpus;
    char *error = NULL;
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, blob, size);
    struct bytes bytes = {copy, size};
    if (corpus_parse(&bytes, &corpus, &error) == 0) {
        for (uint32_t i = 0; i < corpus.count; i++)
            assert_true(strlen(corpus.benchmarks[i].name) > 0 &&
                        strlen(corpus.benchmarks[i].description) < size &&
                        strlen(corpus.benchmarks[i].instruction) < size);
        assert_int_equal(corpus.count, blob->header.row_count);
        free(corpus.benchmarks);
    } else {
        assert_non_null(error);
    }
    free(copy);
    return error;
}

static void a_sound_blob(void **state)
{
    struct blob blob = sound();
    (void)state;
    assert_null(parse(&blob, sizeof(blob)));
}

static void every_shorter_file_is_refused(void **state)
{
    struct blob blob = sound();
    (void)state;
    for (size_t size = 0; size < sizeof(blob); size++) {
        blob.header.file_end = GUEST_BLOB_BASE + size; /* even if the header agrees */
        char *error = parse(&blob, size);
        bool strings_whole = size >= offsetof(struct blob, strings[3]) + sizeof("words");
        if (!error && !strings_whole)
            fail_msg("%zu bytes were taken", size);
        free(error);
    }
}

#define REFUSED(change, word)                                     \
    do {                                                          \
        struct blob blob = sound();                               \
        change;                                                   \
        char *error = parse(&blob, sizeof(blob));                 \
        if (!error || !strstr(error, word))                       \
            fail_msg("%s: %s", #change, error ? error : "taken"); \
        free(error);                                              \
    } while (0)

static void damage_is_refused(void **state)
{
    (void)state;
    REFUSED(blob.header.magic ^= 1, "magic");
    REFUSED(blob.header.version++, "version");
    REFUSED(blob.header.row_size = 63, "rows of 63");
    REFUSED(blob.header.row_count = 0, "0 rows");
    REFUSED(blob.header.row_count = UINT32_MAX, "rows");
    REFUSED(blob.header.row_count = 1000, "outside");
    REFUSED(blob.header.rows = 0, "outside");
    REFUSED(blob.header.rows = UINT64_MAX - 8, "outside");
    REFUSED(blob.header.rows += 400, "outside");
    REFUSED(blob.header.entry = GUEST_BLOB_BASE - 1, "entry");
    REFUSED(blob.header.entry_protected = 1, "entry point in protected mode");
    REFUSED(blob.header.low = 0, "low part");
    REFUSED(blob.header.low_size = sizeof(blob), "low part");
    REFUSED((blob.header.low_size = 0, blob.rows[1].flags = ROW_START_REAL), "row 1");
    REFUSED((blob.header.entry_protected = 0, blob.rows[1].flags = ROW_START_PROTECTED), "mode");
    REFUSED(blob.rows[1].flags = ROW_START_MODE, "starts in a mode");
    REFUSED(blob.header.file_end--, "file ends");
    REFUSED(blob.header.memory_end = blob.header.file_end - 1, "memory end");
    REFUSED(blob.header.memory_end = GUEST_BLOB_LIMIT + 1, "memory end");
    REFUSED(blob.rows[1].name = 0, "row 1");
    REFUSED(blob.rows[1].name = ADDRESS(strings[0]), "both named cpuid");
    REFUSED(strcpy(blob.strings[0], "CPUID"), "name");
    REFUSED(blob.strings[0][0] = '\0', "name");
    REFUSED(blob.strings[0][2] = '\n', "name");
    REFUSED(memset(blob.strings, 'a', sizeof(blob.strings)), "name");
    REFUSED(memset(blob.strings[3], 'a', 32), "description");
    REFUSED(blob.rows[0].description = UINT64_MAX, "description");
    REFUSED(blob.rows[0].instruction = 5, "instruction");
    REFUSED(blob.rows[0].op = ADDRESS(strings) + 128, "code");
    REFUSED(blob.rows[0].control = 0, "code");
    REFUSED(blob.rows[0].setup = 1, "code");
    REFUSED(blob.rows[0].teardown = ADDRESS(strings) + 128, "code");
    REFUSED(blob.rows[0].twice = UINT64_MAX, "code");
    REFUSED(blob.rows[1].exits[0].gate = GATES, "gate");
    REFUSED((blob.rows[1].exits[0].gate = GATE_EXCEPTION, blob.rows[1].exits[0].index = 32),
            "exception 32");
    REFUSED(blob.rows[1].exits[0].reason = PROBE_REASONS, "exit reason");
    REFUSED(blob.rows[1].exits[0].index = 0x10000, "I/O");
    REFUSED(blob.rows[1].exits[0].width = 0, "I/O");
    REFUSED(blob.rows[1].exits[0].width = 8, "I/O");
    REFUSED(blob.rows[1].exits[0].when_on[2] = ROW_CONTROLS, "control");
    REFUSED(blob.rows[1].exits[0].when_off[0] = PIN_BASED_CONTROL_NMI_EXITING + 1, "control");
    REFUSED(blob.rows[1].flags = ROW_ROOT, "takes no exits");
    REFUSED(blob.rows[0].flags = ROW_ROOT | ROW_DEMAND, "no other flag");
    REFUSED(blob.rows[1].exits[0].times = ROW_EXITS_MOST + 1, "exits");
    REFUSED(blob.rows[0].other = 0, "two CPUs");
    REFUSED(blob.rows[0].requires = 0, "two CPUs");
    REFUSED(blob.rows[0].flags = ROW_START_REAL, "two CPUs");
    REFUSED(blob.rows[0].other = ADDRESS(code) + sizeof(struct blob), "outside");
}

static void random_damage_does_no_harm(void **unused)
{
    uint64_t state = 3;
    (void)unused;
    for (int round = 0; round < 20000; round++) {
        struct blob blob = sound();
        for (uint32_t n = 1 + random_below(&state, 4); n > 0; n--)
            ((uint8_t *)&blob)[random_below(&state, sizeof(blob))] ^=
                (uint8_t)(1u << random_below(&state, 8));
        free(parse(&blob, sizeof(blob)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_blob),
        cmocka_unit_test(every_shorter_file_is_refused),
        cmocka_unit_test(damage_is_refused),
        cmocka_unit_test(random_damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
