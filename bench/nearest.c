/* SPDX-License-Identifier: MIT */
#include "nearest.h"

#include "text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LENGTH_MAX 63u

static unsigned smaller(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Who types ia32_efer means IA32_EFER. */
static bool same(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

unsigned edit_distance(const char *a, const char *b)
{
    unsigned rows[3][LENGTH_MAX + 1]; /* the row before last, the last, this: swaps look two back */
    size_t a_length = strnlen(a, LENGTH_MAX), b_length = strnlen(b, LENGTH_MAX);

    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_length; i++) {
        unsigned *this = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        this[0] = (unsigned)i;
        for (size_t j = 1; j <= b_length; j++) {
            unsigned replaced = last[j - 1] + !same(a[i - 1], b[j - 1]);
            this[j] = smaller(smaller(last[j], this[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                this[j] = smaller(this[j], before[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

/* The distance up to which one is likely to be meant by the other. */
static size_t likely(const char *word, const char *name)
{
    size_t length = strlen(word), longer = strlen(name) > length ? strlen(name) : length;
    return longer < 6 ? 1 : longer / 3;
}

static bool is_part(const char *word, const char *name)
{
    return strlen(word) >= 3 &&
           (strcasestr(name, word) || (strlen(name) >= 3 && strcasestr(word, name)));
}

/* Which characters it has, a bit each; some share one. */
static uint64_t letters(const char *word)
{
    uint64_t found = 0;
    for (size_t i = 0; i < LENGTH_MAX && word[i]; i++)
        found |= 1ull << (tolower((unsigned char)word[i]) & 63);
    return found;
}

/* Each letter that only one of them has takes an edit: no distance is less, and this is quick. */
static unsigned at_least(uint64_t a, uint64_t b)
{
    unsigned only_a = (unsigned)__builtin_popcountll(a & ~b);
    unsigned only_b = (unsigned)__builtin_popcountll(b & ~a);
    return only_a > only_b ? only_a : only_b;
}

size_t nearest(const char *word, const char *const *names, size_t count,
               const char *best[NEAREST_MAX])
{
    unsigned distances[NEAREST_MAX];
    const uint64_t of_word = letters(word);
    size_t found = 0;

    for (size_t i = 0; i < count; i++) {
        size_t limit = likely(word, names[i]), at = found;
        bool part = is_part(word, names[i]);
        if (!part && at_least(of_word, letters(names[i])) > limit)
            continue;
        unsigned distance = edit_distance(word, names[i]);
        if (!part && distance > limit)
            continue;
        while (at > 0 && distances[at - 1] > distance)
            at--;
        if (at == NEAREST_MAX)
            continue;
        if (found < NEAREST_MAX)
            found++;
        for (size_t k = found - 1; k > at; k--) {
            best[k] = best[k - 1];
            distances[k] = distances[k - 1];
        }
        best[at] = names[i];
        distances[at] = distance;
    }
    return found;
}

char *nearest_hint(const char *word, const char *const *names, size_t count)
{
    const char *best[NEAREST_MAX];
    size_t found = nearest(word, names, count, best);
    if (found == 0)
        return text("%s", "");
    return text(" (did you mean %s%s%s%s%s?)", best[0], found > 1 ? ", " : "",
                found > 1 ? best[1] : "", found > 2 ? ", " : "", found > 2 ? best[2] : "");
}
