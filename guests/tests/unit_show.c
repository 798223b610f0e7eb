/* SPDX-License-Identifier: MIT */
/* The table on the screen: medians as the harness takes them, and every kind of job in a row. */
#include "../image/show.h"
#include "../image/show_row.h"

#include "../../core/tests/tests.h"
#include "../image/plan_check.h"

#include <stdlib.h>
#include <string.h>

#define SAMPLES 1000u

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void medians(void **state)
{
    static struct sample samples[SAMPLES];
    static int64_t lengths[SAMPLES], room[SAMPLES];
    uint64_t random = 3;
    (void)state;
    assert_int_equal(show_median(samples, 0, room), 0);
    for (uint32_t count = 1; count <= SAMPLES; count += 1 + count / 7)
        for (int spread = 1; spread < 1000; spread *= 10) {
            for (uint32_t i = 0; i < count; i++) {
                samples[i].start = random_bits(&random);
                samples[i].end = samples[i].start + random_below(&random, (uint32_t)spread);
                lengths[i] = (int64_t)(samples[i].end - samples[i].start);
            }
            qsort(lengths, count, sizeof(*lengths), compare);
            assert_int_equal(show_median(samples, count, room), lengths[(count + 1) / 2 - 1]);
        }
}

static struct {
    struct plan_header header;
    struct plan_policy policy;
    struct plan_job job;
} plan;
static struct {
    struct results_header header;
    struct job_result job;
    struct sample control[3], op[3];
} results;

static int make(void **state)
{
    simulated_cpu_setup(state);
    memset(&plan, 0, sizeof(plan));
    memset(&results, 0, sizeof(results));
    plan.header.policy_count = plan.header.job_count = 1;
    strcpy(plan.policy.name, "intercept-all");
    strcpy(plan.job.benchmark, "cpuid");
    plan.job.results_offset = (uint64_t)((char *)&results.job - (char *)&results);
    results.job.status = RESULT_DONE;
    for (int i = 0; i < 3; i++) {
        results.control[i] = (struct sample){0, 7};
        results.op[i] = (struct sample){0, 98 + (uint64_t)i};
    }
    results.job.phases[PHASE_CONTROL].samples = results.job.phases[PHASE_OP].samples = 3;
    results.job.phases[PHASE_CONTROL].samples_offset =
        (uint64_t)((char *)results.control - (char *)&results);
    results.job.phases[PHASE_OP].samples_offset = (uint64_t)((char *)results.op - (char *)&results);
    results.job.phases[PHASE_COUNT_CONTROL] =
        (struct phase_result){.samples = 8, .records = 1, .packet_offset = 64};
    results.job.phases[PHASE_COUNT_OP] =
        (struct phase_result){.samples = 8, .records = 10, .discarded = 1, .packet_offset = 64};
    return 0;
}

static void row_is(const char *expected)
{
    char row[SHOW_ROW];
    int64_t room[3];

    show_row(row, &plan.header, &results.header, 0, room);
    assert_string_equal(row, expected);
}

static void rows(void **state)
{
    char head[SHOW_ROW];
    (void)state;
    show_head(head);
    assert_string_equal(
        head, "benchmark                     policy                 p50 cycles  exits/op");
    row_is("cpuid                         intercept-all                  92      1.25");
    results.job.phases[PHASE_COUNT_OP].packet_offset = 0;
    row_is("cpuid                         intercept-all                  92         -");
    results.job.phases[PHASE_OP].samples_offset = 0;
    row_is("cpuid                         intercept-all                   -         -");
    results.job.status = RESULT_NOT_RUN;
    row_is("cpuid                         intercept-all          not run");
    results.job.status = RESULT_SKIPPED;
    strcpy(results.job.reason, "one CPU only; run with --cpus 2");
    row_is("cpuid                         intercept-all          one CPU only; run with --cp");
    strcpy(plan.job.benchmark, "root/vmread");
    results.job.status = RESULT_DONE;
    row_is("root/vmread                   any                             -         -");
    strcpy(plan.job.benchmark, "a_name_of_a_benchmark_with_47_letters_at_the_mos");
    row_is("a_name_of_a_benchmark_with_47_letters_at_the_mos intercept-all          -       ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(medians),
        cmocka_unit_test_setup_teardown(rows, make, simulated_cpu_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
