/* SPDX-License-Identifier: MIT */
#include "tests.h"

#include "../run_progress.h"
#include "../text.h"

#include <stdlib.h>

static struct run_progress progress_of;

static int set_up(void **state)
{
    (void)state;
    progress_of = (struct run_progress){0};
    run_progress_share(&progress_of);
    return 0;
}

static void says(const char *expected)
{
    char *said = run_progress_text(&progress_of);
    assert_string_equal(said, expected);
    free(said);
}

static void only_lines_of_jobs_count(void **state)
{
    static const char *const lines[] = {
        "exitmeter core",
        "job",
        "job 1",
        "job 1/",
        "job x/2 cpuid: done",
        "job 3/2 cpuid: done",
        "job 0/2 cpuid: done",
        " job 1/2 cpuid: done",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        run_progress_note(lines[i]);
    assert_int_equal(progress_of.all, 0);
    says("booting");
    run_progress_note("job 1/12 cpuid/intercept-all: done");
    says("job 1 of 12");
}

/* From how long the jobs behind the first took, which began with the boot. */
static void time_left(void **state)
{
    (void)state;
    run_progress_note("job 1/12 cpuid/intercept-all: done");
    run_progress_note("job 2/12 cpuid/intercept-all: done");
    progress_of.first -= 4000;
    says("job 2 of 12");
    run_progress_note("job 5/12 cpuid/intercept-all: done");
    progress_of.first = progress_of.last - 8000;
    says("job 5 of 12, about 14 s left");
    progress_of.first -= 5000;
    progress_of.last -= 5000; /* nothing came for 5 s */
    says("job 5 of 12, about 9 s left");
    progress_of.first -= 60000;
    progress_of.last -= 60000; /* longer than it was to take */
    says("job 5 of 12, about 0 s left");
    run_progress_note("job 12/12 cpuid/intercept-all: done");
    says("job 12 of 12, about 0 s left");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(only_lines_of_jobs_count, set_up),
        cmocka_unit_test_setup(time_left, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
