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

/* Leaving out early what is too far away leaves out nothing else. */
static void none_is_overlooked(void **state)
{
    static const char letters[] = "abcIA_32";
    uint64_t seed = 5;
    unsigned hits = 0, misses = 0;
    (void)state;
    for (int round = 0; round < 4000; round++) {
        char word[80] = "", name[80] = "";
        const char *const names[] = {name}, *best[NEAREST_MAX];
        const uint32_t length = random_below(&seed, round % 50 ? 14 : 79);
        for (uint32_t at = 0; at < length; at++)
            word[at] = name[at] = letters[random_below(&seed, sizeof(letters) - 1)];
        for (uint32_t edits = random_below(&seed, 2 + length / 2); length && edits > 0; edits--)
            name[random_below(&seed, length)] = letters[random_below(&seed, sizeof(letters) - 1)];
        if (edit_distance(word, name) <= (length < 6 ? 1 : length / 3)) {
            assert_int_equal(nearest(word, names, 1, best), 1);
            hits++;
        } else {
            misses += nearest(word, names, 1, best) == 0;
        }
    }
    assert_true(hits > 1000 && misses > 100);
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
