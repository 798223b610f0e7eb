/* SPDX-License-Identifier: MIT */
#include "gb_flags.h"

#include "nearest.h"
#include "text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PREFIX          "benchmark_"
#define REPETITIONS_MAX 1000

enum value { BOOLEAN, REPETITIONS, SECONDS, STRING, PAIRS, FORMAT, COLOR, TIME_UNIT };

static const struct {
    const char *what; /* that the value must be */
    const char *const *choices;
} values[] = {
    [BOOLEAN] = {"true or false", (const char *const[]){"true", "false", "yes", "no", "on", "off",
                                                        "1", "0", "t", "f", "y", "n", NULL}},
    [REPETITIONS] = {"a number from 1 to 1000", NULL},
    [SECONDS] = {"a number", NULL},
    [STRING] = {"a string", NULL},
    [PAIRS] = {"key=value pairs, with commas between", NULL},
    [FORMAT] = {"console, json or csv", (const char *const[]){"console", "json", "csv", NULL}},
    [COLOR] = {"auto, true or false", (const char *const[]){"auto", "true", "false", "yes", "no",
                                                            "on", "off", "1", "0", NULL}},
    [TIME_UNIT] = {"ns, us, ms or s", (const char *const[]){"ns", "us", "ms", "s", NULL}},
};

/* kept: where in struct gb_flags the harness keeps the value; NOT_KEPT ones are passed on. */
#define KEPT(member) offsetof(struct gb_flags, member)
#define NOT_KEPT     ((size_t)-1)

static const struct flag {
    const char *name;
    enum value value;
    size_t kept;
    const char *help;
} flag_table[] = {
    {"benchmark_filter", STRING, KEPT(filter), "run only jobs whose name matches; '-' negates"},
    {"benchmark_list_tests", BOOLEAN, KEPT(list_tests), "print the names and run nothing"},
    {"benchmark_repetitions", REPETITIONS, KEPT(repetitions), "jobs a name, in one boot"},
    {"benchmark_enable_random_interleaving", BOOLEAN, KEPT(random_interleaving),
     "shuffle the jobs (always the same way)"},
    {"benchmark_report_aggregates_only", BOOLEAN, KEPT(report_aggregates_only),
     "statistics of repetitions only"},
    {"benchmark_display_aggregates_only", BOOLEAN, KEPT(display_aggregates_only),
     "the same, on stdout only"},
    {"benchmark_out", STRING, KEPT(out), "one more file to report to"},
    {"benchmark_out_format", FORMAT, KEPT(out_format), "of that file: json, console or csv"},
    {"benchmark_format", FORMAT, NOT_KEPT, "of stdout: console, json or csv"},
    {"benchmark_color", COLOR, NOT_KEPT, "auto, true or false"},
    {"benchmark_counters_tabular", BOOLEAN, NOT_KEPT, "counters in columns"},
    {"benchmark_context", PAIRS, NOT_KEPT, "key=value,... for the JSON's context"},
    {"benchmark_time_unit", TIME_UNIT, NOT_KEPT, "no effect: times are ticks or cycles"},
    {"benchmark_min_time", SECONDS, NOT_KEPT, "no effect: work is fixed, see --samples"},
    {"benchmark_min_warmup_time", SECONDS, NOT_KEPT, "no effect: counting phases warm up"},
};

#define FLAG_COUNT (sizeof(flag_table) / sizeof(flag_table[0]))

bool gb_flag_is(const char *argument)
{
    return strncmp(argument, "--" PREFIX, strlen("--" PREFIX)) == 0;
}

void gb_flags_start(struct gb_flags *flags, size_t arguments)
{
    *flags = (struct gb_flags){.filter = "",
                               .repetitions = 1,
                               .out_format = "json",
                               .passed_on = zeroed(arguments, sizeof(char *))};
}

void gb_flags_free(struct gb_flags *flags)
{
    free(flags->passed_on);
    *flags = (struct gb_flags){0};
}

static bool is_number(const char *text, double low, double high)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    return *text && !*end && errno == 0 && value >= low && value <= high;
}

static bool value_valid(enum value value, const char *text)
{
    if (values[value].choices) {
        for (const char *const *choice = values[value].choices; *choice; choice++)
            if (value == BOOLEAN || value == COLOR ? strcasecmp(text, *choice) == 0
                                                   : strcmp(text, *choice) == 0)
                return true;
        return false;
    }
    if (value == REPETITIONS)
        return text[strspn(text, "0123456789")] == '\0' && is_number(text, 1, REPETITIONS_MAX);
    if (value == SECONDS)
        return is_number(text, 0, 1e9);
    return value != PAIRS || strchr(text, '=');
}

static bool is_true(const char *text)
{
    return strchr("1tTyY", *text) || strcasecmp(text, "on") == 0;
}

static void keep(struct gb_flags *flags, const struct flag *flag, const char *value)
{
    void *at = (char *)flags + flag->kept;
    if (flag->value == BOOLEAN)
        *(bool *)at = is_true(value);
    else if (flag->value == REPETITIONS)
        *(uint32_t *)at = (uint32_t)strtoul(value, NULL, 10);
    else
        *(const char **)at = value;
}

static char *unknown_flag(const char *name, size_t length)
{
    const char *names[FLAG_COUNT];
    for (size_t i = 0; i < FLAG_COUNT; i++) /* the common prefix would make every name near */
        names[i] = flag_table[i].name + strlen(PREFIX);
    char *word = text("%.*s", (int)(length - strlen(PREFIX)), name + strlen(PREFIX));
    const char *best[NEAREST_MAX];
    size_t found = nearest(word, names, FLAG_COUNT, best);
    char *message = text("unknown option --" PREFIX "%s", word);
    for (size_t i = 0; i < found; i++) {
        char *longer = text("%s%s--" PREFIX "%s", message, i ? ", " : " (did you mean ", best[i]);
        free(message);
        message = longer;
    }
    if (found > 0) {
        char *longer = text("%s?)", message);
        free(message);
        message = longer;
    }
    free(word);
    return message;
}

int gb_flag_take(struct gb_flags *flags, const char *argument, char **error)
{
    const char *name = argument + 2, *equals = strchr(name, '=');
    size_t length = equals ? (size_t)(equals - name) : strlen(name);
    const struct flag *flag = NULL;

    for (size_t i = 0; i < FLAG_COUNT && !flag; i++)
        if (strlen(flag_table[i].name) == length && !strncmp(flag_table[i].name, name, length))
            flag = &flag_table[i];
    if (!flag) {
        *error = unknown_flag(name, length);
        return -1;
    }
    const char *value = equals ? equals + 1 : flag->value == BOOLEAN ? "true" : NULL;
    if (!value || !value_valid(flag->value, value)) {
        *error = text("--%s needs a value with '=': %s", flag->name, values[flag->value].what);
        return -1;
    }
    if (flag->kept == NOT_KEPT)
        flags->passed_on[flags->passed_on_count++] = argument;
    else
        keep(flags, flag, value);
    return 0;
}

void gb_flags_help(void)
{
    puts("\nGoogle Benchmark's flags:");
    for (size_t i = 0; i < FLAG_COUNT; i++)
        printf("  --%-38s %s\n", flag_table[i].name, flag_table[i].help);
}
