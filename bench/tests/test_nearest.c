/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../nearest.h"

#include <stdlib.h>
#include <string.h>

static void distances(void **state)
{
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("cpuid", "cpuid"), 0);
    assert_int_equal(edit_distance("cpiud", "cpuid"), 1); /* a swap is one edit */
    assert_int_equal(edit_distance("cpid", "cpuid"), 1);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("ca", "abc"), 3); /* no edit of what was swapped */
}

static void long_strings(void **state)
{
    char a[500], b[500];
    (void)state;
    memset(a, 'a', sizeof(a));
    memset(b, 'b', sizeof(b));
    a[499] = b[499] = '\0';
    assert_int_equal(edit_distance(a, b), 63);
}

static void best_first(void **state)
{
    const char *const names[] = {"msr-write", "msr-read", "msr-reads", "cpuid", "io/in"};
    const char *best[NEAREST_MAX];
    (void)state;
    assert_int_equal(nearest("msr-raed", names, 5, best), 2);
    assert_string_equal(best[0], "msr-read");
    assert_string_equal(best[1], "msr-reads");
    assert_int_equal(nearest("xyzzy", names, 5, best), 0);
    assert_int_equal(nearest("msr", names, 5, best), 3); /* a part of three */
}

static void hints(void **state)
{
    const char *const names[] = {"list", "run"};
    (void)state;
    char *hint = nearest_hint("lst", names, 2), *none = nearest_hint("frobnicate", names, 2);
    assert_string_equal(hint, " (did you mean list?)");
    assert_string_equal(none, "");
    free(hint);
    free(none);
}

#define NAMES 40

/* As nearest.h says it: all distances are known, and the nearest of those that count is taken. */
static size_t by_the_book(const char *word, const char *const *names, size_t count,
                          const char *best[])
{
    size_t found = 0;
    for (unsigned distance = 0; distance < 64; distance++)
        for (size_t i = 0; i < count && found < NEAREST_MAX; i++) {
            size_t length = strlen(word), other = strlen(names[i]);
            size_t longer = length > other ? length : other;
            if (edit_distance(word, names[i]) == distance &&
                (distance <= (longer < 6 ? 1 : longer / 3) ||
                 (length >= 3 && strcasestr(names[i], word)) ||
                 (length >= 3 && other >= 3 && strcasestr(word, names[i]))))
                best[found++] = names[i];
        }
    return found;
}

/* Leaving out early what is too far away leaves out nothing else. */
static void none_is_overlooked(void **state)
{
    static const char letters[] = "abcIA_32";
    uint64_t seed = 5;
    unsigned of[NEAREST_MAX + 1] = {0};
    (void)state;
    for (int round = 0; round < 400; round++) {
        char word[80] = "", texts[NAMES][80] = {""};
        const char *names[NAMES], *best[NEAREST_MAX], *wanted[NEAREST_MAX];
        const uint32_t length = random_below(&seed, round % 50 ? 14 : 79);
        for (uint32_t at = 0; at < length; at++)
            word[at] = letters[random_below(&seed, sizeof(letters) - 1)];
        for (size_t i = 0; i < NAMES; i++) {
            char *name = strcpy(texts[i], word);
            for (uint32_t edits = random_below(&seed, 2 + length); length && edits > 0; edits--)
                name[random_below(&seed, length)] =
                    letters[random_below(&seed, sizeof(letters) - 1)];
            if (i % 3 == 0)
                name[random_below(&seed, 80)] = '\0';
            else if (i % 3 == 1)
                memmove(name, name + random_below(&seed, 4), 70);
            names[i] = name;
        }
        const size_t count = 1 + random_below(&seed, round % 2 ? 3 : NAMES);
        size_t found = nearest(word, names, count, best);
        assert_int_equal(found, by_the_book(word, names, count, wanted));
        for (size_t i = 0; i < found; i++)
            assert_ptr_equal(best[i], wanted[i]);
        of[found]++;
    }
    for (size_t found = 0; found <= NEAREST_MAX; found++)
        assert_int_not_equal(of[found], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distances),          cmocka_unit_test(long_strings),
        cmocka_unit_test(best_first),         cmocka_unit_test(hints),
        cmocka_unit_test(none_is_overlooked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
