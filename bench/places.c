/* SPDX-License-Identifier: MIT */
#include "places.h"

#include "text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char root[PATH_MAX];

void places_find(void)
{
    ssize_t length = readlink("/proc/self/exe", root, sizeof(root) - 1);
    if (length <= 0) {
        say("cannot read /proc/self/exe");
        exit(1);
    }
    root[length] = '\0';
    for (int up = 0; up < 2; up++) { /* ROOT/build/exitmeter -> ROOT */
        char *slash = strrchr(root, '/');
        if (slash)
            *slash = '\0';
    }
}

const char *places_root(void)
{
    return root;
}

char *place(const char *relative)
{
    return text("%s/%s", root, relative);
}

char *program_find(const char *name)
{
    const char *path = getenv("PATH");
    for (const char *from = path ? path : "/usr/bin:/bin"; *from;) {
        const char *end = strchrnul(from, ':');
        char *candidate = text("%.*s/%s", (int)(end - from), from, name);
        struct stat status;
        if (end > from && access(candidate, X_OK) == 0 && stat(candidate, &status) == 0 &&
            S_ISREG(status.st_mode)) {
            char *absolute = realpath(candidate, NULL); /* PATH may hold relative directories */
            free(candidate);
            return absolute;
        }
        free(candidate);
        from = *end ? end + 1 : end;
    }
    return NULL;
}
