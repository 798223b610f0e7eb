/* SPDX-License-Identifier: MIT */
#include "command.h"
#include "nearest.h"
#include "places.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command commands[] = {
    {"list", "benchmarks, policies and targets", command_list},
    {"run", "measure benchmarks under policies, leave a run directory", command_run},
    {"iso", "an image that a VT-x machine boots, with the benchmarks inside", command_iso},
    {"import", "make a run of what such an image has sent", command_import},
    {"runs", "the run directories there are, and what is wrong with any", command_runs},
    {"compare", "policies within a run, or one run against another", command_analysis},
    {"targets", "the same guests on several targets, side by side", command_analysis},
    {"gate", "hold a run against a baseline: 0 held, 1 regressed, 3 not comparable",
     command_analysis},
    {"report", "one self-contained HTML page", command_analysis},
    {"export",
     "a run in the formats of other tools: CTF, Perfetto, CSV, folded stacks, OpenMetrics",
     command_analysis},
    {"history", "runs of a branch over time, and where figures changed", command_analysis},
    {"profile", "where the exits of a guest of your own went", command_analysis},
    {"policy", "policies compiled, shown, compared, audited and derived", command_policy},
    {"pmu", "performance events that a CPU model can count", command_pmu},
    {"doctor", "what this machine can measure, and why not the rest", command_doctor},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(void)
{
    puts("exitmeter: what a VM exit costs, where the time goes, which bitmap policy avoids it\n\n"
         "Usage: exitmeter COMMAND [OPTION]...\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s %s\n", commands[i].name, commands[i].summary);
    puts("\n`exitmeter COMMAND --help` shows the options of a command.\n"
         "Exit codes: 0 done, 1 failed or regressed, 2 wrong usage or bad input, "
         "3 cannot be measured here\nor not comparable.");
}

/*
 * Code, unless what was printed got lost, on a full disk, say. A reader that has gone away does not
 * count.
 */
static int printed(int code)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    int failed = fflush(stdout) != 0 ? errno : 0;
    if (!failed && !ferror(stdout))
        return code;
    if (poll(&out, 1, 0) == 1 && out.revents & POLLERR)
        return code;
    say("standard output: not all of it could be written%s%s", failed ? ": " : "",
        failed ? strerror(failed) : "");
    return code == CODE_DONE ? CODE_FAILED : code;
}

int main(int argc, const char **argv)
{
    const char *names[COMMAND_COUNT];
    const char *word = argc > 1 ? argv[1] : "";

    signal(SIGXFSZ, SIG_IGN); /* beyond `ulimit -f` is an error of write() then, and is named */
    places_find();
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        names[i] = commands[i].name;
        if (strcmp(word, commands[i].name) == 0)
            return printed(commands[i].run(&commands[i], argc - 1, argv + 1));
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        print_help();
        return printed(CODE_DONE);
    }
    if (strcmp(word, "--version") == 0) {
        puts("exitmeter " EXITMETER_VERSION);
        return printed(CODE_DONE);
    }
    char *hint = nearest_hint(word, names, COMMAND_COUNT);
    if (argc < 2)
        say("which command? `exitmeter --help` lists them");
    else
        say("unknown %s '%s'%s; `exitmeter --help` lists the commands",
            word[0] == '-' ? "option" : "command", word, hint);
    free(hint);
    return CODE_USAGE;
}
