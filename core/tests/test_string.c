/* SPDX-License-Identifier: MIT */
/* The image's own C library, under the names that core/tests.mk gives it, against the host's. */
#include "tests.h"

#include <stdio.h>
#include <string.h>

#define ROOM 80

void *boot_memcpy(void *to, const void *from, size_t bytes);
void *boot_memmove(void *to, const void *from, size_t bytes);
void *boot_memset(void *to, int value, size_t bytes);
int boot_memcmp(const void *a, const void *b, size_t bytes);
void *boot_memchr(const void *bytes, int value, size_t size);
size_t boot_strlen(const char *text);
bool string_equal(const char *a, const char *b);
void string_copy(char *to, size_t size, const char *from);

static void fill(uint8_t *bytes, uint64_t seed)
{
    for (int i = 0; i < ROOM; i++)
        bytes[i] = (uint8_t)random_bits(&seed);
}

static void copies(void **state)
{
    uint8_t from[ROOM], is[ROOM], should[ROOM];
    (void)state;
    for (size_t bytes = 0; bytes <= 40; bytes++)
        for (size_t at = 0; at < 9; at++) {
            fill(from, 1);
            fill(is, 2);
            fill(should, 2);
            assert_ptr_equal(boot_memcpy(is + at, from + 8 - at, bytes), is + at);
            memcpy(should + at, from + 8 - at, bytes);
            assert_memory_equal(is, should, ROOM);
            assert_ptr_equal(boot_memset(is + at, 0x1a5, bytes), is + at);
            memset(should + at, 0xa5, bytes);
            assert_memory_equal(is, should, ROOM);
        }
}

static void moves_over_itself(void **state)
{
    uint8_t is[ROOM], should[ROOM];
    (void)state;
    for (size_t bytes = 0; bytes <= 40; bytes++)
        for (size_t from = 0; from < 40; from++)
            for (size_t to = 0; to < 40; to++) {
                fill(is, 3);
                fill(should, 3);
                assert_ptr_equal(boot_memmove(is + to, is + from, bytes), is + to);
                memmove(should + to, should + from, bytes);
                assert_memory_equal(is, should, ROOM);
            }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void compares_and_finds(void **state)
{
    uint8_t a[ROOM], b[ROOM];
    (void)state;
    fill(a, 4);
    for (size_t at = 0; at < 20; at++)
        for (int change = -128; change < 128; change += 17) {
            memcpy(b, a, ROOM);
            b[at] = (uint8_t)(b[at] + change);
            for (size_t bytes = 0; bytes < 24; bytes++)
                assert_int_equal(sign(boot_memcmp(a, b, bytes)), sign(memcmp(a, b, bytes)));
        }
    for (int value = 0; value < 512; value++)
        for (size_t bytes = 0; bytes <= ROOM; bytes += 8)
            assert_ptr_equal(boot_memchr(a, value, bytes), memchr(a, value, bytes));
}

static void strings(void **state)
{
    static const char *const texts[] = {"", "a", "b", "ab", "abc", "abd", "plan", "plan "};
    char to[8];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(boot_strlen(texts[i]), strlen(texts[i]));
        for (size_t j = 0; j < COUNT_OF(texts); j++)
            assert_int_equal(string_equal(texts[i], texts[j]), i == j);
        for (size_t size = 1; size <= sizeof(to); size++) {
            char should[9];
            memset(to, 'x', sizeof(to));
            string_copy(to, size, texts[i]);
            snprintf(should, size, "%s", texts[i]);
            assert_string_equal(to, should);
            for (size_t behind = size; behind < sizeof(to); behind++)
                assert_int_equal(to[behind], 'x');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies),
        cmocka_unit_test(moves_over_itself),
        cmocka_unit_test(compares_and_finds),
        cmocka_unit_test(strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
