/* SPDX-License-Identifier: MIT */
#include "follow.h"

#include "files.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

const char *follow_line(struct follow *follow)
{
    int c;
    if (!follow->file && !(follow->file = fopen(follow->path, "re")))
        return NULL;
    clearerr(follow->file); /* the end may have moved */
    while ((c = getc(follow->file)) != EOF) {
        if (c != '\n')
            follow->line[follow->length++] = (char)c;
        if (c == '\n' || follow->length == sizeof(follow->line) - 1) {
            follow->line[follow->length] = '\0';
            follow->length = 0;
            return follow->line;
        }
    }
    return NULL;
}

void follow_close(struct follow *follow)
{
    if (follow->file)
        fclose(follow->file);
    follow->file = NULL;
}

/* Start of the line that ends before `end`. */
static const char *line_start(const char *data, const char *end)
{
    const char *feed = end > data ? memrchr(data, '\n', (size_t)(end - data)) : NULL;
    return feed ? feed + 1 : data;
}

char *file_tail(const char *path, unsigned lines, const char *word)
{
    struct bytes bytes;
    if (bytes_map(path, &bytes) < 0)
        return NULL;
    const char *data = (const char *)bytes.data, *end = data + bytes.size;
    if (end > data && end[-1] == '\n')
        end--;

    char *tail = NULL;
    for (unsigned kept = 0; end > data && kept < lines;) {
        const char *start = line_start(data, end);
        if (!word || memmem(start, (size_t)(end - start), word, strlen(word))) {
            char *longer = text("%.*s\n%s", (int)(end - start), start, tail ? tail : "");
            free(tail);
            tail = longer;
            kept++;
        }
        end = start > data ? start - 1 : data;
    }
    bytes_unmap(&bytes);
    return tail;
}
