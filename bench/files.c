/* SPDX-License-Identifier: MIT */
#include "files.h"

#include "interrupt.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sha2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
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

static int write_all(int file, const char *from, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(file, from, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return -1;
        from += wrote;
        size -= (size_t)wrote;
    }
    return 0;
}

int file_write(const char *path, const void *data, size_t size)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    return file < 0 ? -1 : closed(file, write_all(file, data, size));
}

/* Beside path, under a name of its own, and then that. Returns 0, or -1 with errno set. */
static int write_and_rename(const char *path, char *beside, const void *data, size_t size)
{
    mode_t mask = umask(0);
    int file = mkostemp(beside, O_CLOEXEC);

    umask(mask);
    if (file < 0)
        return -1;
    int result =
        fchmod(file, 0666 & ~mask) < 0 || write_all(file, data, size) < 0 || fsync(file) < 0 ? -1
                                                                                             : 0;
    result = closed(file, result);
    if (result == 0)
        result = rename(beside, path);
    int saved = errno;
    if (result < 0)
        unlink(beside);
    errno = saved;
    return result;
}

int file_write_whole(const char *path, const void *data, size_t size)
{
    struct stat status;
    sigset_t before;

    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return file_write(path, data, size);
    char *beside = text("%s.XXXXXX", path);
    interrupt_block(&before); /* or nobody would remove it */
    int result = write_and_rename(path, beside, data, size);
    sigprocmask(SIG_SETMASK, &before, NULL);
    free(beside);
    return result;
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
