/* SPDX-License-Identifier: MIT */
#include "run_directory.h"

#include "files.h"
#include "run_sums.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory part of a path without slashes at the end: "." if it has none. */
static char *parent_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return text(".");
    return slash == path ? text("/") : text("%.*s", (int)(slash - path), path);
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* mkdir -p */
static int make_directories(const char *path)
{
    char *part = text("%s", path);
    int result = 0;
    for (char *end = part + 1; result == 0; end++) {
        char kept = *end;
        if (kept != '/' && kept != '\0')
            continue;
        *end = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST)
            result = -1;
        *end = kept;
        if (kept == '\0')
            break;
    }
    free(part);
    return result;
}

/* Access rights that mkdir() would have given; mkdtemp() gives 0700. */
static mode_t usual_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0777 & ~mask;
}

/* The hidden sibling; NULL with *error set if it cannot be made. */
static char *make_partial(const char *parent, const char *name, char **error)
{
    char *partial = text("%s/.%s.partial-XXXXXX", parent, name);
    if (mkdtemp(partial))
        return partial;
    *error = text("cannot make a directory in %s: %s", parent, strerror(errno));
    free(partial);
    return NULL;
}

int run_directory_open(const char *path, struct run_directory *directory, char **error)
{
    struct stat status;
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    *directory = (struct run_directory){.path = text("%.*s", (int)length, path)};
    *error = NULL;
    const char *name = name_of(directory->path);
    char *parent = parent_of(directory->path);

    if (lstat(directory->path, &status) == 0)
        *error = text("%s exists; a run is never overwritten, choose another name", path);
    else if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        *error = text("'%s' is no name for a run directory", path);
    else if (make_directories(parent) < 0)
        *error = text("cannot make the directory %s: %s", parent, strerror(errno));
    else {
        directory->partial = make_partial(parent, name, error);
        if (directory->partial) {
            directory->scratch = run_directory_file(directory, "scratch");
            if (mkdir(directory->scratch, 0777) < 0)
                *error = text("cannot make %s: %s", directory->scratch, strerror(errno));
        }
    }
    free(parent);
    if (!*error)
        return 0;
    run_directory_close(directory);
    return -1;
}

char *run_directory_file(const struct run_directory *directory, const char *name)
{
    return text("%s/%s", directory->partial, name);
}

static void sync_directory(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

/* Of what is a run itself; not of a directory that holds several. */
static int add_sums(const struct run_directory *directory)
{
    char *path = run_directory_file(directory, "run.json");
    int result = access(path, F_OK) == 0 ? run_sums_write(directory->partial) : 0;
    free(path);
    return result;
}

int run_directory_commit(struct run_directory *directory, char **error)
{
    if (tree_remove(directory->scratch) < 0 || add_sums(directory) < 0 ||
        chmod(directory->partial, usual_mode()) < 0 || tree_sync(directory->partial) < 0 ||
        renameat2(AT_FDCWD, directory->partial, AT_FDCWD, directory->path, RENAME_NOREPLACE) < 0) {
        *error = text("cannot finish %s: %s", directory->path, strerror(errno));
        return -1;
    }
    free(directory->partial);
    directory->partial = NULL;
    char *parent = parent_of(directory->path);
    sync_directory(parent);
    free(parent);
    return 0;
}

void run_directory_close(struct run_directory *directory)
{
    if (directory->partial)
        tree_remove(directory->partial);
    free(directory->path);
    free(directory->partial);
    free(directory->scratch);
    *directory = (struct run_directory){0};
}
