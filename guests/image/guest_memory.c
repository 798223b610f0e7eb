/* SPDX-License-Identifier: MIT */
#include "guest_memory.h"

#include <stdbool.h>
#include <string.h>

#define PAGE_PRESENT  1u
#define PAGE_WRITE    2u
#define PAGE_ACCESSED 0x20u
#define PAGE_LARGE    0x80u
#define LARGE_PAGE    0x200000ull

const struct blob_header *blob_header(const void *blob)
{
    return blob;
}

const void *blob_at(const void *blob, uint64_t guest_physical)
{
    return (const char *)blob + (guest_physical - GUEST_BLOB_BASE);
}

const struct blob_row *blob_rows(const void *blob)
{
    return blob_at(blob, blob_header(blob)->rows);
}

/* A string that ends inside the file. */
static bool is_string(const void *blob, uint64_t bytes, uint64_t pointer)
{
    if (pointer < GUEST_BLOB_BASE || pointer - GUEST_BLOB_BASE >= bytes)
        return false;
    return memchr(blob_at(blob, pointer), 0, bytes - (pointer - GUEST_BLOB_BASE)) != NULL;
}

static bool is_code(uint64_t bytes, uint64_t pointer)
{
    return pointer >= GUEST_BLOB_BASE && pointer - GUEST_BLOB_BASE < bytes;
}

/* The low part in the file, and fit for the memory it is copied to. */
static bool low_part_fits(const struct blob_header *header, uint64_t bytes)
{
    uint64_t start = header->low - GUEST_BLOB_BASE;

    return !header->low_size ||
           (header->low >= GUEST_BLOB_BASE && start <= bytes && header->low_size <= bytes - start &&
            header->low_size <= GUEST_LOW_LIMIT - GUEST_LOW_BASE);
}

/* What the row asks for is known, and the blob has the entry for it. */
static bool can_start(const struct blob_header *header, const struct blob_row *row)
{
    switch (row->flags & ROW_START_MODE) {
    case 0:
        return true;
    case ROW_START_REAL:
        return header->low_size;
    case ROW_START_PROTECTED:
        return header->entry_protected;
    default:
        return false;
    }
}

const char *blob_check(const void *blob, uint64_t bytes)
{
    const struct blob_header *header = blob;

    if (bytes < sizeof(*header) || header->magic != GUEST_BLOB_MAGIC)
        return "guests: not a guest blob";
    if (header->version != GUEST_BLOB_VERSION || header->row_size != sizeof(struct blob_row))
        return "guests: blob of another version than this image";
    if (header->file_end != GUEST_BLOB_BASE + bytes || header->memory_end < header->file_end ||
        header->memory_end > GUEST_BLOB_LIMIT)
        return "guests: blob is cut off or too large";
    uint64_t table = header->rows - GUEST_BLOB_BASE;
    if (header->rows < GUEST_BLOB_BASE || header->rows % 8 || table > bytes ||
        header->row_count > (bytes - table) / sizeof(struct blob_row))
        return "guests: the table of benchmarks lies outside the blob";
    if (!is_code(bytes, header->entry))
        return "guests: the entry lies outside the blob";
    if (header->entry_protected && !is_code(bytes, header->entry_protected))
        return "guests: the entry in protected mode lies outside the blob";
    if (!low_part_fits(header, bytes))
        return "guests: the low part lies outside the blob, or is too large";
    for (uint32_t i = 0; i < header->row_count; i++) {
        const struct blob_row *row = &blob_rows(blob)[i];
        if (!is_string(blob, bytes, row->name) || !is_string(blob, bytes, row->description) ||
            !is_string(blob, bytes, row->instruction) || !is_code(bytes, row->op) ||
            !is_code(bytes, row->control))
            return "guests: a row points outside the blob";
        if (!can_start(header, row))
            return "guests: a row starts in a mode that the blob has no entry for";
    }
    return NULL;
}

/* By 2 MiB pages, below 1 GiB. */
static void map(uint64_t *directory, uint64_t first, uint64_t bytes)
{
    for (uint64_t at = first; at < first + bytes; at += LARGE_PAGE)
        directory[at / LARGE_PAGE] = at | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
}

/* One entry behind the other: accessed already, so that a sample is not the write of that flag. */
static void map_large(uint64_t *directory, uint64_t first, uint64_t step, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        directory[i] = (first + i * step) | PAGE_PRESENT | PAGE_WRITE | PAGE_ACCESSED | PAGE_LARGE;
}

static void point(uint64_t *pdpt, uint64_t linear, uint64_t bytes, uint64_t directories)
{
    for (uint64_t i = 0; i < bytes; i += 1ull << 30)
        pdpt[(linear + i) >> 30] = (directories + (i >> 30) * 4096) | PAGE_PRESENT | PAGE_WRITE;
}

#define SPAN_2M (GUEST_2M_PAGES * LARGE_PAGE)

/* Behind the stack of real mode, below those of 64-bit mode. */
_Static_assert(GUEST_LARGE_TABLES >= GUEST_LOW_LIMIT &&
                   GUEST_LARGE_TABLES + 0x8000 < GUEST_OTHER_STACK,
               "tables in nobody's way");
_Static_assert(GUEST_2M_BASE + SPAN_2M <= GUEST_1G_WINDOW, "apart");

static void map_what_is_large(char *base, uint64_t *pdpt)
{
    uint64_t *directories = (uint64_t *)(base + GUEST_LARGE_TABLES);

    point(pdpt, GUEST_2M_BASE, SPAN_2M, GUEST_LARGE_TABLES);
    map_large(directories, GUEST_2M_BASE, LARGE_PAGE, GUEST_2M_PAGES);
    point(pdpt, GUEST_1G_WINDOW, 1, GUEST_LARGE_TABLES + (SPAN_2M >> 30) * 4096);
    map_large(directories + GUEST_2M_PAGES, GUEST_1G_BASE, 1ull << 30, GUEST_1G_PAGES);
}

void guest_memory_load(void *memory, const void *blob)
{
    const struct blob_header *header = blob_header(blob);
    char *base = memory;
    uint64_t *tables = (uint64_t *)(base + GUEST_PAGE_TABLES);
    uint64_t *pml4 = tables, *pdpt = tables + 512, *directory = tables + 1024;

    memset(base, 0, GUEST_BLOB_LIMIT);
    memcpy(base + GUEST_BLOB_BASE, blob, header->file_end - GUEST_BLOB_BASE);
    ((struct blob_header *)(base + GUEST_BLOB_BASE))->leave = 0; /* ours are the hypercalls */
    if (header->low_size)
        memcpy(base + GUEST_LOW_BASE, blob_at(blob, header->low), header->low_size);
    pml4[0] = (GUEST_PAGE_TABLES + 4096) | PAGE_PRESENT | PAGE_WRITE;
    pdpt[0] = (GUEST_PAGE_TABLES + 8192) | PAGE_PRESENT | PAGE_WRITE;
    map(directory, 0, GUEST_MEMORY_SIZE);
    map(directory, GUEST_DEMAND_BASE, GUEST_DEMAND_SIZE);
    map(directory, GUEST_DEVICE_BASE, GUEST_DEVICE_SIZE);
    map_what_is_large(base, pdpt);
}
