/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the names closest to a mistyped one.
 */
#ifndef EXITMETER_BENCH_NEAREST_H
#define EXITMETER_BENCH_NEAREST_H

#include <stddef.h>

#define NEAREST_MAX 3u

/*
 * Edits that turn a into b: insert, delete or replace a character, or swap two neighbours (optimal
 * string alignment distance); case is no difference. Strings longer than 63 characters count as
 * their first 63.
 */
unsigned edit_distance(const char *a, const char *b);

/*
 * Stores into best up to NEAREST_MAX of the count names that are plausibly meant by word, closest
 * first, ties in the order given; returns how many. Plausible: at most a third of the longer
 * string's length in edits (at least 1), or one is a part of the other and word has 3 characters.
 */
size_t nearest(const char *word, const char *const *names, size_t count,
               const char *best[NEAREST_MAX]);

/* " (did you mean a, b?)", or "" when nothing is near; free() it. */
char *nearest_hint(const char *word, const char *const *names, size_t count);

#endif
