/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../guest_console.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/exitmeter-console-XXXXXX";
static FILE *machine, *ours;
static char *passed;
static size_t passed_size;
static struct guest_console console;

static int make(void **state)
{
    (void)state;
    strcpy(path + sizeof(path) - 7, "XXXXXX");
    machine = fdopen(mkstemp(path), "w");
    ours = open_memstream(&passed, &passed_size);
    console = (struct guest_console){.path = path, .to = ours};
    return machine && ours ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    guest_console_close(&console);
    fclose(machine);
    fclose(ours);
    free(passed);
    unlink(path);
    return 0;
}

static void write_part(const char *part, size_t size)
{
    fwrite(part, 1, size, machine);
    fflush(machine);
    guest_console_read(&console);
}

static void passes_on_as_it_comes(void **state)
{
    (void)state;
    console.path = "/tmp/none/none";
    guest_console_read(&console); /* it is not there yet */
    console.path = path;
    write_part("one\n", 4);
    assert_string_equal(passed, "one\n");
    write_part("", 0);
    write_part("t\0wo", 4);
    assert_int_equal(passed_size, 8);
    assert_memory_equal(passed, "one\nt\0wo", 8);
    assert_false(console.seen);
}

/* Wherever the pieces are cut. */
static void finds_a_text_in_pieces(void **state)
{
    static const char said[] = "xx init rinit runs yy";
    (void)state;
    for (size_t cut = 0; cut < sizeof(said) - 1; cut++)
        for (size_t next = cut; next < sizeof(said) - 1; next++) {
            make(state);
            console.until = "init runs";
            write_part(said, cut);
            write_part(said + cut, next - cut);
            write_part(said + next, sizeof(said) - 1 - next);
            assert_true(console.seen);
            unmake(state);
        }
}

static void does_not_find_what_is_not_there(void **state)
{
    char *much = malloc(100000);
    (void)state;
    console.until = "ab";
    memset(much, 'a', 100000);
    write_part(much, 100000);
    assert_false(console.seen);
    assert_int_equal(passed_size, 100000);
    write_part("b", 1);
    assert_true(console.seen);
    console.seen = false;
    write_part("xa", 2);
    write_part("x", 1);
    write_part("b", 1);
    assert_false(console.seen);
    free(much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(passes_on_as_it_comes, make, unmake),
        cmocka_unit_test(finds_a_text_in_pieces),
        cmocka_unit_test_setup_teardown(does_not_find_what_is_not_there, make, unmake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
