/* SPDX-License-Identifier: MIT */
/*
 * The command line of `run`, and the experiment it asks for.
 */
#ifndef EXITMETER_BENCH_RUN_OPTIONS_H
#define EXITMETER_BENCH_RUN_OPTIONS_H

#include "command.h"
#include "experiment.h"
#include "gb_flags.h"
#include "run_directory.h"
#include "target.h"

#include <time.h>

/* As given; what popt allocated is freed by run_options_free(). */
struct run_options {
    char *target_name;
    char **guests;   /* patterns, NULL-terminated; NULL: every benchmark */
    char **policies; /* names, files, patterns; NULL: the two that are always there */
    char *samples_given;
    char *rounds_given;
    char *cpus_given;
    char *timeout_given;
    char *probes;
    char *pmu; /* events */
    char *pmu_model;
    char *host_timer_given;
    char *cpu_model;
    char *corpus; /* NULL: what `make` built */
    char *core;
    char *output; /* NULL: runs/DATE */
    char *image;  /* the user's own guest; NULL: benchmarks */
    char *initrd;
    char *command_line;
    char *start_given;
    char *address_given;
    char *until;
    struct gb_flags gb;

    const struct target *target; /* what the texts stand for */
    uint32_t samples;
    uint32_t rounds;
    uint32_t cpus;
    uint64_t host_timer; /* ticks of the TSC; 0: none */
    double timeout;      /* seconds */
    int probe_level;     /* -1: as each policy says */
    int start;           /* enum plan_start */
    uint64_t address;    /* of a flat image; 0: the usual one */
};

/* Reads and checks the command line. True to go on; else false, with *code set. */
bool run_options_read(const struct command *command, int argc, const char **argv,
                      struct run_options *options, int *code);

/*
 * Selects benchmarks and policies and makes the jobs, filtered and laid out. Returns CODE_DONE, or
 * CODE_USAGE after saying why.
 */
int run_select(const struct run_options *options, const struct corpus *corpus,
               struct experiment *experiment);

/*
 * The policies alone, by name, by path, or by the shell's patterns of shipped names; false after
 * saying why not.
 */
bool run_select_policies(char *const *names, struct experiment *experiment);

/* Whether it can run here, and the directory of the run: CODE_DONE, or another after saying why. */
int run_check_target(const struct target *target);
int run_open_directory(const char *output, time_t created, struct run_directory *directory);

void run_options_free(struct run_options *options);

#endif
