/* SPDX-License-Identifier: MIT */
/* Policies from their source, and tables of what is refused. */
#ifndef EXITMETER_BENCH_TESTS_POLICY_FIXTURE_H
#define EXITMETER_BENCH_TESTS_POLICY_FIXTURE_H

#include "../policy.h"
#include "tests.h"

#include <stdlib.h>
#include <string.h>

/* Source that is right. */
static inline void compile(const char *source, struct policy *policy)
{
    struct policy_error error;
    if (policy_compile("test", source, strlen(source), policy, &error) < 0)
        fail_msg("%u:%u: %s in\n%s", error.line, error.column, error.message, source);
}

/* Source that is wrong, where, and a word of what is said of it. */
struct refused {
    const char *source;
    unsigned line, column;
    const char *word;
};

static inline void expect_refused(const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct policy policy;
        struct policy_error error;
        assert_int_equal(
            policy_compile("test", cases[i].source, strlen(cases[i].source), &policy, &error), -1);
        if (error.line != cases[i].line || error.column != cases[i].column ||
            !strstr(error.message, cases[i].word))
            fail_msg("'%s' gives %u:%u: %s", cases[i].source, error.line, error.column,
                     error.message);
        free(error.message);
    }
}

#endif
