/* SPDX-License-Identifier: MIT */
/* names.json says what the lists say, all of it. */
#include "../names_json.h"
#include "../policy_name.h"
#include "../text.h"
#include "tests.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static json_t *written(void)
{
    char directory[] = "/tmp/exitmeter-names-XXXXXX";
    assert_non_null(mkdtemp(directory));
    assert_int_equal(names_json_write(directory), 0);
    char *path = text("%s/names.json", directory);
    json_t *names = json_load_file(path, 0, NULL);
    assert_non_null(names);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(directory), 0);
    free(path);
    return names;
}

static unsigned long number(const json_t *range, const char *key)
{
    return strtoul(json_string_value(json_object_get(range, key)), NULL, 16);
}

static void test_ranges_are_those_of_the_lists(void **state)
{
    static const char *const keys[NUMBER_SPACES] = {"msrs", "ports"};
    json_t *names = written();

    (void)state;
    assert_string_equal(json_string_value(json_object_get(names, "schema")), "exitmeter.names/1");
    for (int space = 0; space < NUMBER_SPACES; space++) {
        size_t count, i;
        const struct named_range *ranges = name_table((enum number_space)space, &count);
        json_t *list = json_object_get(names, keys[space]), *range;
        assert_true(count > 50);
        assert_int_equal(json_array_size(list), count);
        json_array_foreach(list, i, range)
        {
            assert_int_equal(number(range, "first"), ranges[i].first);
            assert_int_equal(number(range, "last"), ranges[i].last);
            assert_string_equal(json_string_value(json_object_get(range, "name")), ranges[i].name);
        }
    }
    json_decref(names);
}

static void test_exceptions_have_vectors(void **state)
{
    json_t *names = written(), *exception;
    size_t i, found = 0;

    (void)state;
    json_array_foreach(json_object_get(names, "exceptions"), i, exception) found +=
        json_integer_value(json_object_get(exception, "vector")) == 14 &&
        strcmp(json_string_value(json_object_get(exception, "name")), "pf") == 0;
    assert_int_equal(found, 1);
    json_decref(names);
}

static void test_a_directory_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(names_json_write("/nonexistent/exitmeter"), -1);
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_are_those_of_the_lists),
        cmocka_unit_test(test_exceptions_have_vectors),
        cmocka_unit_test(test_a_directory_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
