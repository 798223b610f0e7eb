/* SPDX-License-Identifier: MIT */
#include "guest_memory.h"

#include <stdbool.h>
#include <string.h>

#define PAGE_PRESENT 1u
#define PAGE_WRITE   2u
#define PAGE_LARGE   0x80u
#define LARGE_PAGE   0x200000ull

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
    for (uint32_t i = 0; i < header->row_count; i++) {
        const struct blob_row *row = &blob_rows(blob)[i];
        if (!is_string(blob, bytes, row->name) || !is_string(blob, bytes, row->description) ||
            !is_string(blob, bytes, row->instruction) || !is_code(bytes, row->op) ||
            !is_code(bytes, row->control))
            return "guests: a row points outside the blob";
    }
    return NULL;
}

void guest_memory_load(void *memory, const void *blob)
{
    char *base = memory;
    uint64_t *tables = (uint64_t *)(base + GUEST_PAGE_TABLES);
    uint64_t *pml4 = tables, *pdpt = tables + 512, *directory = tables + 1024;

    memset(base, 0, GUEST_BLOB_LIMIT);
    memcpy(base + GUEST_BLOB_BASE, blob, blob_header(blob)->file_end - GUEST_BLOB_BASE);
    pml4[0] = (GUEST_PAGE_TABLES + 4096) | PAGE_PRESENT | PAGE_WRITE;
    pdpt[0] = (GUEST_PAGE_TABLES + 8192) | PAGE_PRESENT | PAGE_WRITE;
    for (uint64_t i = 0; i < GUEST_MEMORY_SIZE / LARGE_PAGE; i++)
        directory[i] = i * LARGE_PAGE | PAGE_PRESENT | PAGE_WRITE | PAGE_LARGE;
}
