/* SPDX-License-Identifier: MIT */
/*
 * policy derive: the least policy for a guest, from its profile under intercept-all.
 */
#include "nearest.h"
#include "policy_command.h"
#include "policy_derive.h"
#include "policy_derive_json.h"
#include "policy_derive_text.h"
#include "text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 15u /* of each table; --json has all */

/* One row a line, what is beyond ROWS summed up. */
static void print_items(FILE *to, const struct derive_item *items, size_t count, bool passing)
{
    uint64_t exits = 0, ticks = 0, waiting = 0;

    if (!count)
        fputs("  nothing\n", to);
    for (size_t i = 0; i < count; i++) {
        const struct derive_item *item = &items[i];
        uint64_t value = passing ? item->saves : item->ticks;
        if (count > ROWS + 1 && i >= ROWS) {
            exits += item->count;
            ticks += value;
            waiting += item->saves_waiting;
            continue;
        }
        char *why = derive_why(item);
        if (passing)
            fprintf(to, "  %-40s %10" PRIu64 " %12" PRIu64 " %12" PRIu64 "  %s\n", item->what,
                    item->count, value, item->saves_waiting,
                    item->is_audited ? severity_names[item->severity] : "-");
        else
            fprintf(to, "  %-40s %10" PRIu64 " %12" PRIu64 "  %s\n", item->what, item->count, value,
                    why);
        free(why);
    }
    if (count > ROWS + 1 && passing)
        fprintf(to, "  %zu%-38s %10" PRIu64 " %12" PRIu64 " %12" PRIu64 "\n", count - ROWS,
                " others", exits, ticks, waiting);
    else if (count > ROWS + 1)
        fprintf(to, "  %zu%-38s %10" PRIu64 " %12" PRIu64 "\n", count - ROWS, " others", exits,
                ticks);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 0;
}

static void print_prediction(FILE *to, const struct derive_run *run, const struct derived *derived)
{
    const struct derive_totals *before = &derived->before, *after = &derived->after;

    fprintf(to, "\npredicted for the same run, in %s\n", run->unit);
    fprintf(to, "  exits                %12" PRIu64 " -> %" PRIu64 "\n", before->exits,
            after->exits);
    fprintf(to,
            "  what exits take      %12" PRIu64 " -> %" PRIu64 ": %s%" PRIu64 " saved, %.2f%%\n",
            before->exit_ticks, after->exit_ticks, derived->instruction ? "" : "at most ",
            derived->saves, percent(derived->saves, before->exit_ticks));
    fprintf(to, "  run time             %12" PRIu64 " -> %" PRIu64, before->run_time,
            after->run_time);
    if (derived->saves_waiting)
        fprintf(to,
                ": %" PRIu64 " of the saving is spent in loops that wait,\n"
                "                       which end when what they wait for comes",
                derived->saves_waiting);
    fputc('\n', to);
    if (derived->polls)
        fprintf(to,
                "not predicted: %" PRIu64 " exits that stay, %" PRIu64
                " ticks of them, are in loops that wait, which come round as often\n"
                "as the wait takes; as rounds get quicker, up to %" PRIu64
                " of the saving goes to more of them\n",
                derived->polls, derived->poll_ticks, derived->more_polls);
}

/* What the figures lack, if anything. */
static void print_limits(const struct command *command, const struct derive_run *run,
                         const struct derived *derived)
{
    if (run->ended)
        say("%s: the profile is of a guest that did not end as it was to: %s", command->name,
            run->ended);
    if (!run->has_transition)
        say("%s: the run did not measure VM exits and entries: what they save is not in here",
            command->name);
    if (!derived->instruction)
        say("%s: what an instruction itself takes in %s is not known: savings are at most what is "
            "said",
            command->name, run->unit);
    if (run->unlisted)
        say("%s: %" PRIu64 " exits (%" PRIu64
            " %s) found no room in the list of what was accessed: "
            "unless listed exits accessed the same, it stays intercepted",
            command->name, run->unlisted, run->unlisted_ticks, run->unit);
    if (run->uncounted)
        say("%s: %" PRIu64 " exits are in no count, their records being lost or out of order",
            command->name, run->uncounted);
}

static void print_tables(FILE *to, const struct derive_run *run, const struct derived *derived)
{
    fprintf(to, "%s under %s: what passes with nothing above %s, in %s\n", run->image,
            run->policy.plan.name, severity_names[derived->most], run->unit);
    fprintf(to, "\n  %-40s %10s %12s %12s  %s\n", "passes", "exits", "saves", "in waits",
            "severity");
    print_items(to, derived->items, derived->passing, true);
    fprintf(to, "\n  %-40s %10s %12s  %s\n", "stays intercepted", "exits", "core's", "because");
    print_items(to, derived->items + derived->passing, derived->count - derived->passing, false);
    print_prediction(to, run, derived);
}

static int put_out(const struct command *command, const char *path, const struct derive_run *run,
                   const struct derived *derived, const char *output, bool json)
{
    print_limits(command, run, derived);
    if (output && file_write_whole(output, derived->text, strlen(derived->text)) < 0) {
        say("%s: %s: %s", command->name, output, strerror(errno));
        return CODE_USAGE;
    }
    if (json)
        policy_print(policy_derive_json(path, run, derived));
    else
        print_tables(output ? stdout : stderr, run, derived);
    if (!output && !json)
        fputs(derived->text, stdout);
    return CODE_DONE;
}

static int derive(const struct command *command, const char *path, const char *policy,
                  enum severity most, const char *output, bool json)
{
    struct derive_run run;
    struct derived derived;
    char *error;
    int code = derive_read(path, policy, &run, &error);

    if (code == CODE_DONE && policy_derive(&run, most, &derived, &error) < 0) {
        derive_run_free(&run);
        code = CODE_FAILED;
    }
    if (code != CODE_DONE) {
        say("%s: %s", command->name, error);
        free(error);
        return code;
    }
    code = put_out(command, path, &run, &derived, output, json);
    derived_free(&derived);
    derive_run_free(&run);
    return code;
}

int command_policy_derive(const struct command *command, int argc, const char **argv)
{
    int json = 0, code;
    char *path = NULL, *policy = NULL, *most = NULL, *output = NULL;
    const struct poptOption options[] = {
        {"policy", '\0', POPT_ARG_STRING, &policy, 0,
         "the profile to take, of a run under several policies", "NAME"},
        {"max-severity", '\0', POPT_ARG_STRING, &most, 0,
         "what may pass: info, low, medium (the default), high, critical", "SEVERITY"},
        {"output", 'o', POPT_ARG_STRING, &output, 0,
         "write the policy to this file, and the tables to stdout", "FILE"},
        {"json", '\0', POPT_ARG_NONE, &json, 0, "print one JSON document", NULL},
        POPT_TABLEEND,
    };
    if (options_read_operand(command, argc, argv, options, "RUN [OPTION]...", &path, &code)) {
        enum severity severity = most ? policy_severity_wanted(command, most) : SEVERITY_MEDIUM;
        code = CODE_USAGE;
        if (!path)
            say("%s: which run? `exitmeter run --image ... --policy intercept-all` leaves one",
                command->name);
        else if (severity < SEVERITIES)
            code = derive(command, path, policy, severity, output, json);
    }
    free(path);
    free(policy);
    free(most);
    free(output);
    return code;
}
