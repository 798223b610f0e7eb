/* SPDX-License-Identifier: MIT */
/*
 * Whole files: mapping, writing, hashing, trees. Functions that return int return 0, or -1 with
 * errno set.
 */
#ifndef EXITMETER_BENCH_FILES_H
#define EXITMETER_BENCH_FILES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a file, read-only. */
struct bytes {
    const uint8_t *data;
    size_t size;
};

#define SHA256_TEXT 65u /* hex digits and NUL */

/* Maps a regular file; bytes_unmap() it. */
int bytes_map(const char *path, struct bytes *bytes);
void bytes_unmap(struct bytes *bytes);

/* Creates or replaces a file with these bytes. */
int file_write(const char *path, const void *data, size_t size);

/*
 * The same of a file that the user named: whole or not at all, with what was there before until
 * then. What is there and no regular file, a device or a pipe, is written to as it is.
 */
int file_write_whole(const char *path, const void *data, size_t size);

/* Copies a regular file; the target is created or replaced. */
int file_copy(const char *from, const char *to);

/* SHA-256 as lower-case hex. */
void sha256_text(const void *data, size_t size, char out[SHA256_TEXT]);

/* Flushes every file and directory below and including path to disk. */
int tree_sync(const char *path);

/* Removes path and everything below it; symbolic links are not followed. */
int tree_remove(const char *path);

#endif
