/* SPDX-License-Identifier: MIT */
/* Notes as they are made, and as somebody else might make them: they come over a wire. */
#include "tests.h"

#include "../notes.h"
#include "../text.h"

#include <stdlib.h>
#include <string.h>

#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static char *made(void)
{
    static char *guests[] = {(char *)(uintptr_t) "cpuid", (char *)(uintptr_t) "--output=/x", NULL};
    static const char *const command[] = {"exitmeter", "iso", "-o", "x.iso"};
    struct policy policies[2] = {{.probe_level = PROBE_FULL}, {.probe_level = PROBE_OFF}};
    struct run run = {
        .options = {.guests = guests, .samples = 100, .rounds = 2, .cpus = 1},
        .facts = {.command = command, .command_count = 4, .core_sha256 = SHA, .guests_sha256 = SHA},
        .experiment = {.policies = policies, .policy_count = 2, .serial_passes = 3},
    };
    run.options.gb.filter = "";
    run.options.gb.repetitions = 5;
    return notes_make(&run, PLAN_RESULTS_SERIAL);
}

static bool has(const struct notes *notes, const char *option)
{
    for (char **at = notes->options; *at; at++)
        if (strcmp(*at, option) == 0)
            return true;
    return false;
}

static void there_and_back(void **state)
{
    struct notes notes;
    char *error, *text = made();
    (void)state;
    assert_int_equal(notes_read(text, strlen(text), &notes, &error), 0);
    assert_null(error);
    assert_string_equal(notes.core_sha256, SHA);
    assert_string_equal(notes.command, "exitmeter iso -o x.iso");
    assert_int_equal(notes.flags, PLAN_RESULTS_SERIAL);
    assert_int_equal(notes.serial_passes, 3);
    assert_int_equal(notes.policy_count, 2);
    assert_int_equal(notes.levels[0], PROBE_FULL);
    assert_int_equal(notes.levels[1], PROBE_OFF);
    assert_true(has(&notes, "--samples=100") && has(&notes, "--rounds=2") &&
                has(&notes, "--benchmark_repetitions=5") && has(&notes, "--guest=cpuid"));
    assert_true(has(&notes, "--guest=--output=/x")); /* a pattern that matches nothing */
    assert_false(has(&notes, "--output=/x"));
    notes_free(&notes);
    free(text);
}

/* The text with one piece of it replaced. */
static char *with(const char *notes, const char *old, const char *new)
{
    const char *at = strstr(notes, old);
    assert_non_null(at);
    return text("%.*s%s%s", (int)(at - notes), notes, new, at + strlen(old));
}

static void what_is_refused(void **state)
{
    static const struct {
        const char *old, *new, *message;
    } cases[] = {
        {"exitmeter.notes/1", "exitmeter.notes/9", "of schema exitmeter.notes/9"},
        {"\"schema\":", "\"scheme\":", "of schema (none)"},
        {"{", "[", "no JSON"},
        {"\"created\":", "\"create\":", "lack"},
        {"\"core_sha256\":\"0", "\"core_sha256\":\"", "lack"},
        {"\"guests_sha256\":\"" SHA "\"", "\"guests_sha256\":7", "lack"},
        {"\"flags\":", "\"flag\":", "lack"},
        {"\"serial_passes\":3", "\"serial_passes\":-3", "lack"},
        {"\"serial_passes\":3", "\"serial_passes\":4294967296", "lack"},
        {"\"levels\":[3,0]", "\"levels\":[3,99]", "lack"},
        {"\"levels\":[3,0]", "\"levels\":[3,\"0\"]", "lack"},
        {"\"levels\":[3,0]", "\"levels\":3", "lack"},
        {"\"samples\":\"100\"", "\"samples\":100", "lack"},
        {"\"guests\":[", "\"guests\":[null,", "lack"},
        {"\"guests\":", "\"guest\":", "lack"},
        {"\"options\":", "\"option\":", "lack"},
    };
    char *good = made();
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct notes notes;
        char *error, *bad = with(good, cases[i].old, cases[i].new);
        assert_int_equal(notes_read(bad, strlen(bad), &notes, &error), -1);
        if (!strstr(error, cases[i].message))
            fail_msg("%s: %s", bad, error);
        free(error);
        free(bad);
    }
    for (size_t size = 0; size < strlen(good); size++) {
        struct notes notes;
        char *error;
        assert_int_equal(notes_read(good, size, &notes, &error), -1);
        free(error);
    }
    free(good);
}

/* Options that name files are none that notes can hold. */
static void no_files(void **state)
{
    struct notes notes;
    char *error, *good = made();
    char *bad = with(good, "\"options\":{", "\"options\":{\"output\":\"/x\",\"corpus\":\"/y\",");
    (void)state;
    assert_int_equal(notes_read(bad, strlen(bad), &notes, &error), 0);
    for (char **option = notes.options; *option; option++)
        assert_false(strncmp(*option, "--output", 8) == 0 || strncmp(*option, "--corpus", 8) == 0);
    notes_free(&notes);
    free(bad);
    free(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back),
        cmocka_unit_test(what_is_refused),
        cmocka_unit_test(no_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
