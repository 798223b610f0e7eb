/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include "guest_console.h"
#include "nearest.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT  1000
#define TIMEOUT_DEFAULT  60.0
#define TIMEOUT_GUEST    600.0
#define HOST_TIMER_LEAST 1000 /* or a guest would hardly get anywhere between two */

/* Takes the --benchmark_* flags out of argv: popt would not know them. */
static bool split_flags(struct run_options *options, int *argc, const char **argv)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        char *error;
        if (!gb_flag_is(argv[i])) {
            argv[kept++] = argv[i];
        } else if (gb_flag_take(&options->gb, argv[i], &error) < 0) {
            say("run: %s", error);
            free(error);
            return false;
        }
    }
    *argc = kept;
    argv[kept] = NULL;
    return true;
}

/* Says that there is no such thing. Returns false. */
static bool unknown(const char *what, const char *word, const char *const *names, size_t count)
{
    char *hint = nearest_hint(word, names, count);
    say("run: unknown %s '%s'%s", what, word, hint);
    free(hint);
    return false;
}

static bool find_target(struct run_options *options)
{
    const char **names = zeroed(target_count, sizeof(*names));
    options->target = options->target_name ? NULL : targets[0];
    for (size_t i = 0; i < target_count; i++) {
        names[i] = targets[i]->name;
        if (options->target_name && strcmp(options->target_name, names[i]) == 0)
            options->target = targets[i];
    }
    bool found = options->target || unknown("target", options->target_name, names, target_count);
    free(names);
    return found;
}

static bool find_cpu_model(struct run_options *options)
{
    const char *const *models = options->target->cpu_models;
    size_t count = 0;
    if (!options->cpu_model)
        options->cpu_model = text("%s", models[0]);
    for (; models[count]; count++)
        if (strcmp(options->cpu_model, models[count]) == 0)
            return true;
    return unknown("CPU model", options->cpu_model, models, count);
}

static bool find_probe_level(struct run_options *options)
{
    options->probe_level = options->probes ? probe_level_of(options->probes) : -1;
    if (options->pmu && options->probes && options->probe_level != PROBE_PMU) {
        say("run: --pmu is a probe level itself; leave out --probes %s", options->probes);
        return false;
    }
    if (!options->pmu && (options->probe_level == PROBE_PMU || options->pmu_model)) {
        say("run: --pmu-model and --probes pmu are for events; name them with --pmu "
            "EVENT[,EVENT]...");
        return false;
    }
    if (options->pmu)
        options->probe_level = PROBE_PMU;
    return !options->probes || options->probe_level >= 0 ||
           unknown("probe level", options->probes, probe_level_names, PROBE_LEVELS);
}

/* A number that an option gives, or the default if the option was not given. */
static bool read_number(const char *option, const char *given, double low, double high,
                        double *value)
{
    char *end = NULL;
    double number = given ? strtod(given, &end) : *value;
    if (given && (end == given || *end || !(number >= low && number <= high))) {
        say("run: --%s takes a number from %g to %.0f, not '%s'", option, low, high, given);
        return false;
    }
    *value = number;
    return true;
}

/* The same for what can only be counted. */
static bool read_count(const char *option, const char *given, uint32_t most, uint32_t *count)
{
    double number = *count;
    if (!read_number(option, given, 1, most, &number))
        return false;
    *count = (uint32_t)number;
    if (*count == number)
        return true;
    say("run: --%s takes a whole number", option);
    return false;
}

static bool read_numbers(struct run_options *options)
{
    double host_timer = 0;
    options->samples = SAMPLES_DEFAULT;
    options->rounds = options->cpus = 1;
    options->timeout = options->image ? TIMEOUT_GUEST : TIMEOUT_DEFAULT;
    bool read =
        read_count("samples", options->samples_given, GUEST_SAMPLES_MAX, &options->samples) &&
        read_count("rounds", options->rounds_given, PLAN_ROUNDS_MAX, &options->rounds) &&
        read_count("cpus", options->cpus_given, PLAN_CPUS_MAX, &options->cpus) &&
        read_number("timeout", options->timeout_given, 0.001, 86400, &options->timeout) &&
        read_number("host-timer", options->host_timer_given, HOST_TIMER_LEAST, 4e9, &host_timer);
    options->host_timer = (uint64_t)host_timer;
    return read;
}

/* Says that an option is for the other kind of run, if it was given. */
static bool not_with(const char *option, const void *given, const char *why)
{
    if (given)
        say("run: --%s %s", option, why);
    return !given;
}

static bool fits_image(const struct run_options *options)
{
    static const char alone[] = "needs --image: it is of a guest of your own";
    static const char other[] = "is for benchmarks, not for --image";

    if (!options->image)
        return not_with("initrd", options->initrd, alone) &&
               not_with("cmdline", options->command_line, alone) &&
               not_with("start", options->start_given, alone) &&
               not_with("address", options->address_given, alone) &&
               not_with("until", options->until, alone);
    return not_with("guest", options->guests, other) &&
           not_with("samples", options->samples_given, other) &&
           not_with("rounds", options->rounds_given, other) &&
           not_with("probes", options->probes, other) && not_with("pmu", options->pmu, other) &&
           not_with("pmu-model", options->pmu_model, other) &&
           not_with("host-timer", options->host_timer_given, other) &&
           not_with("cpus", options->cpus_given, other) &&
           not_with("corpus", options->corpus, other);
}

static bool read_start(struct run_options *options)
{
    static const char *const names[PLAN_STARTS] = {
        [PLAN_START_REAL] = "real",
        [PLAN_START_PROTECTED] = "protected",
        [PLAN_START_LONG] = "long",
    };

    options->start = PLAN_START_AS_IMAGE;
    for (int i = PLAN_START_REAL; options->start_given && i < PLAN_STARTS; i++)
        if (strcmp(options->start_given, names[i]) == 0)
            options->start = i;
    return !options->start_given || options->start != PLAN_START_AS_IMAGE ||
           unknown("start", options->start_given, names + 1, PLAN_STARTS - 1);
}

static bool read_image(struct run_options *options)
{
    char *end = NULL;

    if (!fits_image(options) || !read_start(options))
        return false;
    if (options->address_given) {
        errno = 0;
        options->address = strtoull(options->address_given, &end, 0);
        if (errno || !isdigit((unsigned char)*options->address_given) || *end ||
            !options->address) {
            say("run: --address takes an address above 0, as in C, not '%s'",
                options->address_given);
            return false;
        }
    }
    if (options->command_line && strlen(options->command_line) >= PLAN_COMMAND_LINE) {
        say("run: --cmdline has %zu bytes; at most %u fit", strlen(options->command_line),
            PLAN_COMMAND_LINE - 1);
        return false;
    }
    if (options->until && (!*options->until || strlen(options->until) > GUEST_CONSOLE_UNTIL_MAX)) {
        say("run: --until takes 1 to %u bytes", GUEST_CONSOLE_UNTIL_MAX);
        return false;
    }
    return true;
}

bool run_options_read(const struct command *command, int argc, const char **argv,
                      struct run_options *options, int *code)
{
    *options = (struct run_options){0};
    const struct poptOption table[] = {
        {"target", 't', POPT_ARG_STRING, &options->target_name, 0, "where to run: bochs", "TARGET"},
        {"guest", 'g', POPT_ARG_ARGV, &options->guests, 0,
         "benchmarks whose names match, may repeat (all but check/*)", "PATTERN"},
        {"policy", 'p', POPT_ARG_ARGV, &options->policies, 0,
         "shipped policy, pattern of shipped ones, or .policy file, may repeat (passthrough-all "
         "and "
         "intercept-all)",
         "POLICY"},
        {"samples", 'n', POPT_ARG_STRING, &options->samples_given, 0, "samples a phase (1000)",
         "N"},
        {"rounds", '\0', POPT_ARG_STRING, &options->rounds_given, 0,
         "times that the samples are taken; the last are kept, all are in histograms (1)", "N"},
        {"cpus", '\0', POPT_ARG_STRING, &options->cpus_given, 0,
         "CPUs to start; benchmarks of two are skipped on one (1)", "N"},
        {"probes", '\0', POPT_ARG_STRING, &options->probes, 0,
         "off, counts, stamps, full or hardware, whatever the policies say (full)", "LEVEL"},
        {"pmu", '\0', POPT_ARG_STRING, &options->pmu, 0,
         "events that performance counters count, in the host and in the guest: see `exitmeter "
         "pmu`",
         "EVENT[,EVENT]..."},
        {"pmu-model", '\0', POPT_ARG_STRING, &options->pmu_model, 0,
         "PMU model that the events are encoded for (that of the target's CPU)", "MODEL"},
        {"host-timer", '\0', POPT_ARG_STRING, &options->host_timer_given, 0,
         "checks only: TSC ticks between interrupts of the host's own (none)", "N"},
        {"timeout", '\0', POPT_ARG_STRING, &options->timeout_given, 0,
         "wall-clock limit of the boot (60, and 0.5 for each job; with --image 600)", "SECONDS"},
        {"cpu-model", '\0', POPT_ARG_STRING, &options->cpu_model, 0,
         "CPU that the target emulates (corei7_haswell_4770)", "MODEL"},
        {"corpus", '\0', POPT_ARG_STRING, &options->corpus, 0, "guest blob", "BLOB"},
        {"image", '\0', POPT_ARG_STRING, &options->image, 0,
         "in place of benchmarks: boot this guest, which has the machine, and profile it", "FILE"},
        {"initrd", '\0', POPT_ARG_STRING, &options->initrd, 0, "its initial RAM disk, or module",
         "FILE"},
        {"cmdline", '\0', POPT_ARG_STRING, &options->command_line, 0, "its command line", "TEXT"},
        {"start", '\0', POPT_ARG_STRING, &options->start_given, 0,
         "real, protected or long: of a flat image, or to overrule another", "MODE"},
        {"address", '\0', POPT_ARG_STRING, &options->address_given, 0,
         "where a flat image lies (0x7c00 in real mode, else 0x100000)", "N"},
        {"until", '\0', POPT_ARG_STRING, &options->until, 0,
         "end once the guest's console shows this", "TEXT"},
        {"core", '\0', POPT_ARG_STRING, &options->core, 0, "the image with the core", "ELF"},
        {"output", 'o', POPT_ARG_STRING, &options->output, 0, "run directory to make (runs/DATE)",
         "RUN"},
        POPT_TABLEEND,
    };
    *code = CODE_USAGE;
    gb_flags_start(&options->gb, (size_t)argc);
    if (!split_flags(options, &argc, argv))
        return false;
    if (!options_read(command, argc, argv, table, gb_flags_help, code))
        return false;
    *code = CODE_USAGE;
    return read_image(options) && read_numbers(options) && find_target(options) &&
           find_cpu_model(options) && find_probe_level(options);
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void run_options_free(struct run_options *options)
{
    free(options->target_name);
    free_list(options->guests);
    free_list(options->policies);
    free(options->samples_given);
    free(options->rounds_given);
    free(options->cpus_given);
    free(options->timeout_given);
    free(options->probes);
    free(options->pmu);
    free(options->pmu_model);
    free(options->host_timer_given);
    free(options->cpu_model);
    free(options->corpus);
    free(options->core);
    free(options->output);
    free(options->image);
    free(options->initrd);
    free(options->command_line);
    free(options->start_given);
    free(options->address_given);
    free(options->until);
    gb_flags_free(&options->gb);
}
