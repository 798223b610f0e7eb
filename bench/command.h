/* SPDX-License-Identifier: MIT */
/*
 * Subcommands, and the way they read options.
 */
#ifndef EXITMETER_BENCH_COMMAND_H
#define EXITMETER_BENCH_COMMAND_H

#include "exit_code.h"

#include <popt.h>
#include <stdbool.h>

#define EXITMETER_VERSION "0.1"

struct command {
    const char *name;
    const char *summary;
    /* argv[0] is the name of the command. Returns an enum exit_code, or more after a signal. */
    int (*run)(const struct command *, int argc, const char **argv);
};

int command_list(const struct command *command, int argc, const char **argv);
int command_run(const struct command *command, int argc, const char **argv);
int command_iso(const struct command *command, int argc, const char **argv);
int command_import(const struct command *command, int argc, const char **argv);
int command_runs(const struct command *command, int argc, const char **argv);
int command_doctor(const struct command *command, int argc, const char **argv);
int command_pmu(const struct command *command, int argc, const char **argv);
int command_pmu_list(const struct command *command, int argc, const char **argv);
int command_policy(const struct command *command, int argc, const char **argv);

/* compare, gate, report: what analysis/ does, by the name of the command. */
int command_analysis(const struct command *command, int argc, const char **argv);

/*
 * Reads the options of a command, which takes no other arguments, as the table says. --help is
 * added. Returns true to go on; false, with *code set, if help was printed or an option was wrong.
 */
bool options_read(const struct command *command, int argc, const char **argv,
                  const struct poptOption *table, void (*more_help)(void), int *code);

/*
 * The same for a command with one argument beside its options: *operand, to be freed, or NULL if it
 * was not given. usage stands for it in the help.
 */
bool options_read_operand(const struct command *command, int argc, const char **argv,
                          const struct poptOption *table, const char *usage, char **operand,
                          int *code);

/* The same for a command with up to so many arguments: those not given are NULL. */
bool options_read_operands(const struct command *command, int argc, const char **argv,
                           const struct poptOption *table, const char *usage, char **operands,
                           size_t count, int *code);

#endif
