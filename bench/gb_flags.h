/* SPDX-License-Identifier: MIT */
/*
 * The --benchmark_* flags. Google Benchmark answers a bad one by exiting with status 0 or 1, and
 * some decide what is run at all; so they are all read here, and only those that concern the
 * printing are passed on.
 */
#ifndef EXITMETER_BENCH_GB_FLAGS_H
#define EXITMETER_BENCH_GB_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gb_flags {
    const char *filter;
    uint32_t repetitions;
    bool list_tests;
    bool random_interleaving;
    const char *out;
    const char *out_format;
    bool report_aggregates_only;
    bool display_aggregates_only;
    const char **passed_on; /* arguments as given */
    size_t passed_on_count;
};

/* Whether the argument is one of these flags, well-formed or not. */
bool gb_flag_is(const char *argument);

/* Values as if no flag was given; room for passing on up to arguments of them. */
void gb_flags_start(struct gb_flags *flags, size_t arguments);

/* Takes one flag. Returns 0, or -1 with *error set; free() that. Strings stay the argument's. */
int gb_flag_take(struct gb_flags *flags, const char *argument, char **error);

void gb_flags_free(struct gb_flags *flags);

/* Lines for --help on stdout. */
void gb_flags_help(void);

#endif
