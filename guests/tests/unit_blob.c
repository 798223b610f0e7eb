/* SPDX-License-Identifier: MIT */
/* blob_check() on a valid blob and on damaged ones, and what guest_memory_load() makes of one. */
#include "blob_fixture.h"

#include <stdlib.h>

static struct fixture_blob *blob;

/* Allocated to the byte, so that the sanitizer sees what reads behind it. */
static int make(void **state)
{
    (void)state;
    blob = aligned_alloc(8, sizeof(*blob));
    fixture_blob_make(blob);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    free(blob);
    return 0;
}

#define BAD(field, value, text)                              \
    do {                                                     \
        __typeof__(field) own = (field);                     \
        (field) = (value);                                   \
        const char *wrong = blob_check(blob, sizeof(*blob)); \
        assert_non_null(wrong);                              \
        assert_string_equal(wrong, text);                    \
        (field) = own;                                       \
        assert_null(blob_check(blob, sizeof(*blob)));        \
    } while (0)

static void valid(void **state)
{
    (void)state;
    assert_null(blob_check(blob, sizeof(*blob)));
    assert_ptr_equal(blob_header(blob), blob);
    assert_ptr_equal(blob_rows(blob), blob->rows);
    assert_string_equal(blob_at(blob, blob_rows(blob)[1].name), "second");
}

static void header_fields(void **state)
{
    static const char version[] = "guests: blob of another version than this image";
    static const char size[] = "guests: blob is cut off or too large";
    static const char table[] = "guests: the table of benchmarks lies outside the blob";
    static const char entry[] = "guests: the entry lies outside the blob";
    struct blob_header *h = &blob->header;
    (void)state;
    BAD(h->magic, 0, "guests: not a guest blob");
    BAD(h->version, GUEST_BLOB_VERSION + 1, version);
    BAD(h->row_size, 56, version);
    BAD(h->file_end, h->file_end - 1, size);
    BAD(h->file_end, h->file_end + 1, size);
    BAD(h->memory_end, h->file_end - 1, size);
    BAD(h->memory_end, GUEST_BLOB_LIMIT + 1, size);
    BAD(h->memory_end, UINT64_MAX, size);
    BAD(h->rows, GUEST_BLOB_BASE - 8, table);
    BAD(h->rows, h->file_end + 8, table);
    BAD(h->rows, h->file_end, table);
    BAD(h->rows, h->rows + 4, table);
    BAD(h->rows, 0, table);
    BAD(h->rows, UINT64_MAX - 7, table);
    BAD(h->row_count, 10, table);
    BAD(h->row_count, UINT32_MAX, table);
    BAD(h->entry, h->file_end, entry);
    BAD(h->entry, GUEST_BLOB_BASE - 1, entry);
    BAD(h->entry, UINT64_MAX, entry);
    h->row_count = 0;
    assert_null(blob_check(blob, sizeof(*blob)));
}

static void starts_in_other_modes(void **state)
{
    static const char entry[] = "guests: the entry in protected mode lies outside the blob";
    static const char low[] = "guests: the low part lies outside the blob, or is too large";
    static const char row[] = "guests: a row starts in a mode that the blob has no entry for";
    struct blob_header *h = &blob->header;
    uint32_t *flags = &blob->rows[1].flags;
    (void)state;
    BAD(h->entry_protected, h->file_end, entry);
    BAD(h->entry_protected, 1, entry);
    BAD(h->entry_protected, UINT64_MAX, entry);
    BAD(h->low, GUEST_BLOB_BASE - 1, low);
    BAD(h->low, h->file_end - 4, low);
    BAD(h->low, UINT64_MAX, low);
    BAD(h->low, 0, low);
    BAD(h->low_size, (uint32_t)(h->file_end - h->low) + 1, low);
    BAD(h->low_size, UINT32_MAX, low);
    *flags = ROW_START_REAL;
    BAD(h->low_size, 0, row);
    BAD(*flags, ROW_START_REAL | ROW_START_PROTECTED, row);
    *flags = ROW_START_PROTECTED;
    BAD(h->entry_protected, 0, row);
    *flags = 0;
    h->entry_protected = h->low_size = 0;
    assert_null(blob_check(blob, sizeof(*blob)));
}

/* More than fits below GUEST_LOW_LIMIT, of a blob that is large enough to have it. */
static void a_low_part_that_is_too_large(void **state)
{
    const uint64_t room = GUEST_LOW_LIMIT - GUEST_LOW_BASE, bytes = sizeof(*blob) + room + 1;
    struct fixture_blob *large = calloc(1, bytes);
    (void)state;
    fixture_blob_make(large);
    large->header.file_end = large->header.memory_end = GUEST_BLOB_BASE + bytes;
    large->header.low = GUEST_BLOB_BASE + sizeof(*blob);
    large->header.low_size = (uint32_t)room;
    const char *fits = blob_check(large, bytes);
    large->header.low_size++;
    const char *wrong = blob_check(large, bytes);
    free(large);
    assert_null(fits);
    assert_string_equal(wrong, "guests: the low part lies outside the blob, or is too large");
}

static void row_fields(void **state)
{
    static const char text[] = "guests: a row points outside the blob";
    const uint64_t outside[] = {0, GUEST_BLOB_BASE - 1, GUEST_BLOB_BASE + sizeof(*blob),
                                UINT64_MAX};
    (void)state;
    for (unsigned i = 0; i < FIXTURE_ROWS; i++)
        for (size_t j = 0; j < COUNT_OF(outside); j++) {
            BAD(blob->rows[i].name, outside[j], text);
            BAD(blob->rows[i].description, outside[j], text);
            BAD(blob->rows[i].instruction, outside[j], text);
            BAD(blob->rows[i].op, outside[j], text);
            BAD(blob->rows[i].control, outside[j], text);
        }
    memset(blob->text + sizeof(blob->text) - 10, 'x', 10); /* a string that does not end */
    uint64_t unended = GUEST_BLOB_BASE + sizeof(*blob) - 5;
    struct blob_row *row = &blob->rows[1];
    BAD(row->name, unended, text);
    BAD(row->description, unended, text);
    BAD(row->instruction, unended, text);
}

static void cut_off_anywhere(void **state)
{
    const size_t needed = offsetof(struct fixture_blob, text) + FIXTURE_TEXT;
    (void)state;
    for (size_t bytes = 0; bytes <= sizeof(*blob); bytes++) {
        void *cut = malloc(bytes ? bytes : 1);
        memcpy(cut, blob, bytes);
        if (bytes >= sizeof(struct blob_header)) /* even if the header agrees with the size */
            ((struct blob_header *)cut)->file_end = GUEST_BLOB_BASE + bytes;
        const char *wrong = blob_check(cut, bytes);
        free(cut);
        assert_int_equal(wrong == NULL, bytes >= needed);
    }
}

/* Whatever passes can be walked as the driver and the harness do. */
static void random_damage(void **state)
{
    uint64_t seed = 9;
    unsigned passed = 0;
    (void)state;
    for (int i = 0; i < 50000; i++) {
        fixture_blob_make(blob);
        size_t room = offsetof(struct fixture_blob, code);
        for (uint32_t n = 1 + random_below(&seed, 3); n; n--) {
            uint8_t *byte = (uint8_t *)blob + random_below(&seed, (uint32_t)room);
            *byte = i & 1 ? (uint8_t)random_bits(&seed) : *byte ^ (uint8_t)(1u << (seed & 7));
        }
        if (i % 3 == 0)
            memset(blob->text + random_below(&seed, sizeof(blob->text)), 'x', 1);
        if (blob_check(blob, sizeof(*blob)))
            continue;
        passed++;
        for (uint32_t row = 0; row < blob_header(blob)->row_count; row++) {
            const struct blob_row *r = &blob_rows(blob)[row];
            assert_true(strlen(blob_at(blob, r->name)) < sizeof(*blob));
            assert_true(strlen(blob_at(blob, r->description)) < sizeof(*blob));
            assert_true(strlen(blob_at(blob, r->instruction)) < sizeof(*blob));
            assert_in_range(*(const uint8_t *)blob_at(blob, r->op), 0, 255);
        }
        assert_in_range(*(const uint8_t *)blob_at(blob, blob_header(blob)->entry), 0, 255);
    }
    assert_in_range(passed, 1000, 49000);
}

/* The walk of SDM Vol. 3A 5.5.4, as the guest's CPU does it with CR3 = GUEST_PAGE_TABLES. */
static uint64_t walk(const char *memory, uint64_t linear)
{
    uint64_t table = GUEST_PAGE_TABLES;
    for (int level = 3;; level--) {
        uint64_t index = linear >> (12 + 9 * level) & 511, entry;
        memcpy(&entry, memory + table + 8 * index, 8);
        if ((entry & 3) != 3)
            return UINT64_MAX;
        if (level == 1) {
            assert_int_equal(entry & 0x1fff80, 0x80);
            return (entry & ~0x1fffffull) | (linear & 0x1fffff);
        }
        assert_int_equal(entry & 0xf80, 0);
        table = entry & ~0xfffull;
    }
}

static void loaded(void **state)
{
    char *memory = aligned_alloc(0x200000, GUEST_MEMORY_SIZE);
    (void)state;
    memset(memory, 0xee, GUEST_MEMORY_SIZE);
    for (int again = 0; again < 2; again++) {
        guest_memory_load(memory, blob);
        assert_memory_equal(memory + GUEST_BLOB_BASE, blob, sizeof(*blob));
        for (uint64_t at = blob->header.file_end; at < blob->header.memory_end; at++)
            assert_int_equal(memory[at], 0); /* .bss */
        for (uint64_t at = 0x4000; at < GUEST_BLOB_BASE; at++)
            if ((at < GUEST_LOW_BASE || at >= GUEST_LOW_BASE + blob->header.low_size) &&
                (at < GUEST_LARGE_TABLES || at >= GUEST_LARGE_TABLES + 5 * 4096))
                assert_int_equal(memory[at], 0);
        assert_memory_equal(memory + GUEST_LOW_BASE, "\xf4low", 5);
        for (uint64_t at = 0; at < GUEST_MEMORY_SIZE; at += 0x1ff123)
            assert_int_equal(walk(memory, at), at);
        assert_int_equal(walk(memory, GUEST_MEMORY_SIZE - 1), GUEST_MEMORY_SIZE - 1);
        assert_int_equal(walk(memory, GUEST_MEMORY_SIZE), UINT64_MAX);
        assert_int_equal(walk(memory, GUEST_DEMAND_BASE - 1), UINT64_MAX);
        assert_int_equal(walk(memory, GUEST_DEMAND_BASE), GUEST_DEMAND_BASE);
        assert_int_equal(walk(memory, GUEST_DEMAND_BASE + GUEST_DEMAND_SIZE - 1),
                         GUEST_DEMAND_BASE + GUEST_DEMAND_SIZE - 1);
        assert_int_equal(walk(memory, GUEST_DEVICE_BASE), GUEST_DEVICE_BASE);
        assert_int_equal(walk(memory, DEVICE_ACCESS), DEVICE_ACCESS);
        assert_int_equal(walk(memory, GUEST_DEVICE_BASE - 1), UINT64_MAX);
        for (uint64_t i = 0; i < GUEST_2M_PAGES; i++)
            assert_int_equal(walk(memory, GUEST_2M_BASE + (i << 21)), GUEST_2M_BASE + (i << 21));
        assert_int_equal(walk(memory, GUEST_2M_BASE - 1), UINT64_MAX);
        for (uint64_t i = 0; i < GUEST_1G_PAGES; i++)
            assert_int_equal(walk(memory, GUEST_1G_WINDOW + (i << 21)), GUEST_1G_BASE + (i << 30));
        assert_int_equal(walk(memory, GUEST_1G_WINDOW + (GUEST_1G_PAGES << 21)), UINT64_MAX);
        assert_int_equal(walk(memory, 1ull << 30), UINT64_MAX);
        assert_int_equal(walk(memory, 1ull << 39), UINT64_MAX);
        memset(memory, 0xdd, GUEST_BLOB_BASE + sizeof(*blob)); /* as a guest may leave it */
    }
    free(memory);
}

#define blob_test(function) cmocka_unit_test_setup_teardown(function, make, unmake)

int main(void)
{
    const struct CMUnitTest tests[] = {
        blob_test(valid),
        blob_test(header_fields),
        blob_test(row_fields),
        blob_test(cut_off_anywhere),
        blob_test(random_damage),
        blob_test(loaded),
        blob_test(starts_in_other_modes),
        blob_test(a_low_part_that_is_too_large),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
