/* SPDX-License-Identifier: MIT */
/*
 * Where policies come from: bench/policies and the user's own files.
 */
#include "nearest.h"
#include "places.h"
#include "policy.h"
#include "policy_file.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SUFFIX ".policy"

static bool has_suffix(const char *name)
{
    size_t length = strlen(name), suffix = strlen(SUFFIX);
    return length > suffix && strcmp(name + length - suffix, SUFFIX) == 0;
}

static int is_policy(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && has_suffix(entry->d_name);
}

char **policy_names(size_t *count)
{
    struct dirent **entries;
    char *directory = place(PLACE_POLICIES);
    int found = scandir(directory, &entries, is_policy, alphasort);
    free(directory);
    *count = found < 0 ? 0 : (size_t)found;
    char **names = zeroed(*count, sizeof(*names));
    for (size_t i = 0; i < *count; i++) {
        names[i] =
            text("%.*s", (int)(strlen(entries[i]->d_name) - strlen(SUFFIX)), entries[i]->d_name);
        free(entries[i]);
    }
    if (found >= 0)
        free(entries);
    return names;
}

static char *shipped_path(const char *name)
{
    return text("%s/%s/%s%s", places_root(), PLACE_POLICIES, name, SUFFIX);
}

char *policy_description(const char *name)
{
    char *path = shipped_path(name), *description = text("%s", "");
    struct bytes source;

    if (bytes_map(path, &source) == 0) {
        const char *line = (const char *)source.data;
        const char *end = memchr(line, '\n', source.size);
        if (end && source.size > 2 && line[0] == '#' && line[1] == ' ') {
            free(description);
            description = text("%.*s", (int)(end - line - 2), line + 2);
        }
        bytes_unmap(&source);
    }
    free(path);
    return description;
}

static char *unknown(const char *name)
{
    size_t count;
    char **names = policy_names(&count);
    char *hint = nearest_hint(name, (const char *const *)names, count);
    char *message = text("unknown policy '%s'%s; `exitmeter list` shows all", name, hint);
    free(hint);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return message;
}

/* The name that a policy file gives its policy: the last part of the path, less the suffix. */
static char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    return text("%.*s", (int)(strlen(base) - (has_suffix(base) ? strlen(SUFFIX) : 0)), base);
}

/* Text or a compiled policy; with the path in an error. */
static int read_bytes(const char *path, const struct bytes *source, struct policy *policy,
                      char **error)
{
    struct policy_error wrong = {0};
    int result;
    if (policy_file_is(source->data, source->size)) {
        char *message;
        result = policy_file_read(source->data, source->size, policy, &message);
        *error = message ? text("%s: not a compiled policy: %s", path, message) : NULL;
        free(message);
        return result;
    }
    char *name = name_of(path);
    result = policy_compile(name, (const char *)source->data, source->size, policy, &wrong);
    if (result < 0)
        *error = wrong.line ? text("%s:%u:%u: %s", path, wrong.line, wrong.column, wrong.message)
                            : text("%s: %s", path, wrong.message);
    free(wrong.message);
    free(name);
    return result;
}

int policy_load(const char *name_or_path, struct policy *policy, char **error)
{
    bool is_path = strpbrk(name_or_path, "/.") != NULL; /* which no name has in it */
    char *path = is_path ? text("%s", name_or_path) : shipped_path(name_or_path);
    struct bytes source;
    int result = -1;

    *error = NULL;
    if (bytes_map(path, &source) < 0) {
        *error = is_path || errno != ENOENT ? text("policy %s: %s", path, strerror(errno))
                                            : unknown(name_or_path);
    } else {
        result = read_bytes(path, &source, policy, error);
        bytes_unmap(&source);
    }
    free(path);
    return result;
}
