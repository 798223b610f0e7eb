/* SPDX-License-Identifier: MIT */
/*
 * Reads a file line by line while something else writes it.
 */
#ifndef EXITMETER_BENCH_FOLLOW_H
#define EXITMETER_BENCH_FOLLOW_H

#include <stddef.h>
#include <stdio.h>

#define FOLLOW_LINE_MAX 512u

struct follow {
    const char *path; /* need not exist yet */
    FILE *file;
    size_t length;
    char line[FOLLOW_LINE_MAX];
};

/*
 * The next complete line, without its line feed, or NULL if there is none yet; valid until the next
 * call. Longer lines come in pieces.
 */
const char *follow_line(struct follow *follow);
void follow_close(struct follow *follow);

/* The last `lines` lines of a file that match, if word is not NULL, contain word; NULL if there are
 * none; free() it. */
char *file_tail(const char *path, unsigned lines, const char *word);

#endif
