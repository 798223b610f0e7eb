/* SPDX-License-Identifier: MIT */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

_Static_assert(SHA256_TEXT == SHA256_DIGEST_STRING_LENGTH, "libmd agrees");

/* close() that keeps the errno of what went wrong before. */
static int closed(int file, int result)
{
    int saved = errno;
    if (close(file) < 0 && result == 0)
        return -1;
    errno = saved;
    return result;
}

int bytes_map(const char *path, struct bytes *bytes)
{
    struct stat status;
    void *data = (void *)(uintptr_t) ""; /* an empty mapping is an error */
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    if (fstat(file, &status) < 0)
        return closed(file, -1);
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        return closed(file, -1);
    }
    if (status.st_size > 0) {
        data = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
        if (data == MAP_FAILED)
            return closed(file, -1);
    }
    *bytes = (struct bytes){data, (size_t)status.st_size};
    return closed(file, 0);
}

void bytes_unmap(struct bytes *bytes)
{
    if (bytes->size > 0)
        munmap((void *)(uintptr_t)bytes->data, bytes->size);
    *bytes = (struct bytes){NULL, 0};
}

int file_write(const char *path, const void *data, size_t size)
{
    const char *from = data;
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file < 0)
        return -1;
    while (size > 0) {
        ssize_t wrote = write(file, from, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return closed(file, -1);
        from += wrote;
        size -= (size_t)wrote;
    }
    return closed(file, 0);
}

int file_copy(const char *from, const char *to)
{
    struct bytes bytes;
    if (bytes_map(from, &bytes) < 0)
        return -1;
    int result = file_write(to, bytes.data, bytes.size);
    bytes_unmap(&bytes);
    return result;
}

void sha256_text(const void *data, size_t size, char out[SHA256_TEXT])
{
    SHA256Data(data, size, out);
}

static int sync_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)where;
    if (kind != FTW_F && kind != FTW_DP)
        return 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    return closed(file, fsync(file));
}

int tree_sync(const char *path)
{
    return nftw(path, sync_one, 16, FTW_DEPTH | FTW_PHYS);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status, (void)kind, (void)where;
    return remove(path);
}

int tree_remove(const char *path)
{
    return nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
