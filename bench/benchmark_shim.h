/* SPDX-License-Identifier: MIT */
/*
 * Google Benchmark (libbenchmark 1.7) for C. The work has been done when it comes in: it gets the
 * figures of every job as manual time, prints its table, and writes its JSON. Names stay exactly
 * TARGET/BENCHMARK/POLICY, and CPU time equals real time, so equal runs give equal files.
 */
#ifndef EXITMETER_BENCH_BENCHMARK_SHIM_H
#define EXITMETER_BENCH_BENCHMARK_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shim_counter {
    const char *name;
    double value;
};

#define SHIM_COUNTERS_MAX 24u

/* One entry of the report. Entries of one name are repetitions and come one after the other. */
struct shim_entry {
    const char *name;
    const char *error; /* why there are no figures, or NULL */
    const char *label;
    uint64_t iterations;
    double total; /* of all iterations, in ticks or cycles; one is written as 1 ns */
    size_t counter_count;
    struct shim_counter counters[SHIM_COUNTERS_MAX];
};

struct shim_pair {
    const char *key;
    const char *value;
};

struct shim_report {
    const struct shim_entry *entries;
    size_t entry_count;
    const struct shim_pair *context; /* added to the JSON's "context" */
    size_t context_count;
    const char *json;             /* path of the file that always holds every entry */
    const char *out;              /* --benchmark_out, or NULL */
    const char *out_format;       /* console, json or csv */
    bool display_aggregates_only; /* where there are repetitions, their statistics only */
    bool out_aggregates_only;     /* likewise, of the file at `out` */
    const char *const *passed_on; /* --benchmark_* arguments for Google Benchmark itself */
    size_t passed_on_count;
};

/*
 * Sets keep[i] for the names that --benchmark_filter=spec selects: a POSIX extended regular
 * expression found anywhere in the name; "-" in front negates; "" and "all" select everything.
 * Returns 0, or -1 with *error set (free() it) if spec is no regular expression.
 */
int shim_filter(const char *spec, const char *const *names, size_t count, bool *keep, char **error);

/* Reports: the table on stdout, the files. Returns 0, or -1 with *error set; free() it. Call once.
 */
int shim_show(const struct shim_report *report, char **error);

/* Something of our own to be timed, on this machine's clock. */
struct shim_case {
    const char *name;
    void (*work)(void *context); /* once an iteration */
    void *context;
    uint64_t items; /* that an iteration works off, for items_per_second; 0: none */
    uint64_t bytes; /* likewise */
};

/*
 * Times each, as often as Google Benchmark finds fit, and reports them as its command line says:
 * argc and argv are main()'s. Returns 0, or -1 if an argument is unknown.
 */
int shim_time(int argc, char **argv, const struct shim_case *cases, size_t count);

#ifdef __cplusplus
}
#endif

#endif
