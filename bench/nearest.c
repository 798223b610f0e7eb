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

/* Its first LENGTH_MAX characters: who types ia32_efer means IA32_EFER. Returns how many. */
static unsigned folded(const char *word, char into[LENGTH_MAX])
{
    unsigned length = 0;
    for (; length < LENGTH_MAX && word[length]; length++)
        into[length] = (char)tolower((unsigned char)word[length]);
    return length;
}

/*
 * The distance if it is no more than limit, else anything that is more. Only what lies within limit
 * of the diagonal can be that near.
 */
static unsigned distance_within(const char *left, const char *right, unsigned limit)
{
    char a[LENGTH_MAX], b[LENGTH_MAX];
    unsigned rows[3][LENGTH_MAX + 2]; /* the row before last, the last, this: swaps look two back */
    const unsigned a_length = folded(left, a), b_length = folded(right, b), far = limit + 1;
    unsigned least = 0;

    if (a_length > b_length + limit || b_length > a_length + limit)
        return far;
    for (unsigned j = 0; j <= b_length + 1; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned *this = rows[i % 3], *last = rows[(i + 2) % 3], *before = rows[(i + 1) % 3];
        unsigned first = i > limit ? i - limit : 1, end = smaller(b_length, i + limit);
        unsigned least_before = least;

        this[first - 1] = first == 1 ? i : far;
        least = this[first - 1];
        for (unsigned j = first; j <= end; j++) {
            unsigned replaced = last[j - 1] + (a[i - 1] != b[j - 1]);
            this[j] = smaller(smaller(last[j], this[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                this[j] = smaller(this[j], before[j - 2] + 1);
            least = smaller(least, this[j]);
        }
        this[end + 1] = far;
        if (least > limit && least_before > limit)
            return far;
    }
    return rows[a_length % 3][b_length];
}

unsigned edit_distance(const char *a, const char *b)
{
    return distance_within(a, b, LENGTH_MAX);
}

/* The distance up to which one is likely to be meant by the other. */
static unsigned likely(const char *word, const char *name)
{
    size_t length = strlen(word), longer = strlen(name) > length ? strlen(name) : length;
    return longer < 6 ? 1 : (unsigned)longer / 3;
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
        unsigned most = LENGTH_MAX, none_less = at_least(of_word, letters(names[i]));
        size_t at = found;
        /* One that is no nearer than the last of those that there is room for comes too late. */
        if (found == NEAREST_MAX && distances[NEAREST_MAX - 1] == 0)
            break;
        if (found == NEAREST_MAX)
            most = distances[NEAREST_MAX - 1] - 1;
        if (none_less > most)
            continue;
        if (!is_part(word, names[i]))
            most = smaller(most, likely(word, names[i]));
        if (none_less > most)
            continue;
        unsigned distance = distance_within(word, names[i], most);
        if (distance > most)
            continue;
        while (at > 0 && distances[at - 1] > distance)
            at--;
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
