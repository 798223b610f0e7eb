/* SPDX-License-Identifier: MIT */
#include "run_sums.h"

#include "files.h"
#include "text.h"

#include <errno.h>
#include <fts.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BLANKS "  " /* between sum and name */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int sum_of(const char *path, char sum[SHA256_TEXT])
{
    struct bytes bytes;
    if (bytes_map(path, &bytes) < 0)
        return -1;
    sha256_text(bytes.data, bytes.size, sum);
    bytes_unmap(&bytes);
    return 0;
}

static int add(FILE *list, const char *directory, const FTSENT *entry)
{
    char sum[SHA256_TEXT];
    const char *name = entry->fts_path + strlen(directory) + 1;
    if (entry->fts_info != FTS_F || strcmp(name, RUN_SUMS) == 0)
        return 0;
    if (sum_of(entry->fts_path, sum) < 0)
        return -1;
    return fprintf(list, "%s" BLANKS "%s\n", sum, name) < 0 ? -1 : 0;
}

int run_sums_write(const char *directory)
{
    char *const roots[] = {(char *)(uintptr_t)directory, NULL};
    char *content = NULL, *path = text("%s/" RUN_SUMS, directory);
    size_t size = 0;
    int result = 0;
    FTSENT *entry;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    FILE *list = open_memstream(&content, &size);

    while (tree && list && result == 0 && (entry = fts_read(tree)))
        result = add(list, directory, entry);
    if (!tree || !list)
        result = -1;
    int saved = errno;
    if (tree)
        fts_close(tree);
    if (list && fclose(list) != 0)
        result = -1;
    errno = saved;
    if (result == 0)
        result = file_write(path, content, size);
    free(content);
    free(path);
    return result;
}

/* What is wrong with one line's file, or NULL. */
static char *check_line(const char *directory, const char *line, bool contents)
{
    char sum[SHA256_TEXT];
    const char *name = line + SHA256_TEXT - 1 + strlen(BLANKS);
    if (strlen(line) <= (size_t)(name - line) ||
        strncmp(line + SHA256_TEXT - 1, BLANKS, strlen(BLANKS)) != 0 || strstr(name, "..") ||
        *name == '/')
        return text("%s", RUN_SUMS " is damaged");
    char *path = text("%s/%s", directory, name), *wrong = NULL;
    if (access(path, R_OK) < 0 || (contents && sum_of(path, sum) < 0))
        wrong = text("%s: %s", name, strerror(errno));
    else if (contents && strncmp(line, sum, SHA256_TEXT - 1) != 0)
        wrong = text("%s is not what it was when the run was made", name);
    free(path);
    return wrong;
}

char *run_sums_check(const char *directory, bool contents)
{
    char *path = text("%s/" RUN_SUMS, directory), *line = NULL, *wrong = NULL;
    size_t size = 0;
    FILE *list = fopen(path, "re");
    if (!list && errno != ENOENT)
        wrong = text("%s: %s", RUN_SUMS, strerror(errno));
    while (list && !wrong && getline(&line, &size, list) > 0) {
        line[strcspn(line, "\n")] = '\0';
        wrong = check_line(directory, line, contents);
    }
    free(line);
    free(path);
    if (list)
        fclose(list);
    return wrong ? printable(wrong) : NULL;
}
