/* SPDX-License-Identifier: MIT */
/* The memory of a corpus guest: GUEST_MEMORY_SIZE bytes, laid out as guests/blob.h says. */
#ifndef EXITMETER_GUESTS_IMAGE_GUEST_MEMORY_H
#define EXITMETER_GUESTS_IMAGE_GUEST_MEMORY_H

#include "../blob.h"

/*
 * Whether the bytes are a blob that can be loaded: header, sizes, the low part, and the table of
 * rows with every pointer inside the blob, every string ended, and an entry for the mode it starts
 * in. NULL if so, else what is wrong.
 */
const char *blob_check(const void *blob, uint64_t bytes);

/*
 * Fills zeroed or used memory afresh: clears all that lies below GUEST_BLOB_LIMIT, which is all a
 * row may use but the samples, copies the blob and once more its low part, and writes an identity
 * map of the whole memory, the memory on demand and the device in 2 MiB pages at GUEST_PAGE_TABLES,
 * which is CR3 then. The blob must have passed blob_check().
 */
void guest_memory_load(void *memory, const void *blob);

/* The blob's header and rows, as they lie in the file. */
const struct blob_header *blob_header(const void *blob);
const struct blob_row *blob_rows(const void *blob);

/* The row of that name, and its index; NULL if there is none. */
const struct blob_row *blob_find(const void *blob, const char *name, uint32_t *index);

/* What a pointer inside the blob points to. */
const void *blob_at(const void *blob, uint64_t guest_physical);

#endif
