/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include "guest_console.h"
#include "nearest.h"
#include "places.h"
#include "qemu.h"
#include "text.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define SAMPLES_DEFAULT  1000
#define TIMEOUT_DEFAULT  60.0
#define TIMEOUT_GUEST    600.0
#define PARALLEL_MOST    1024
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

static const struct target *target_named(const char *name)
{
    for (size_t i = 0; i < target_count; i++)
        if (strcmp(name, targets[i]->name) == 0)
            return targets[i];
    return NULL;
}

static bool is_given(const struct run_options *options, const struct target *target)
{
    for (size_t i = 0; options->targets[i]; i++)
        if (options->targets[i] == target)
            return true;
    return false;
}

static bool find_targets(struct run_options *options)
{
    const char *names[TARGETS_MAX];
    size_t count = 0;

    for (size_t i = 0; i < target_count; i++)
        names[i] = targets[i]->name;
    while (options->targets_given && options->targets_given[count])
        count++;
    options->targets = zeroed((count ? count : 1) + 1, sizeof(struct target *));
    options->targets[0] = targets[0];
    for (size_t i = 0; i < count; i++) {
        const char *name = options->targets_given[i];
        const struct target *target = target_named(name);
        options->targets[i] = NULL;
        if (!target)
            return unknown("target", name, names, target_count);
        if (is_given(options, target)) {
            say("run: target %s is named twice", name);
            return false;
        }
        options->targets[i] = target;
    }
    options->target = options->targets[0];
    return true;
}

/* A list with one element, or what was given. */
static const char *const *list_or(char **given, const char *otherwise)
{
    size_t count = 0;
    while (given && given[count])
        count++;
    const char **list = zeroed((count ? count : 1) + 1, sizeof(*list));
    list[0] = otherwise;
    for (size_t i = 0; i < count; i++)
        list[i] = given[i];
    return list;
}

static bool listed(const char *const *list, size_t count, const char *word)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

static bool find_cpu_models(struct run_options *options)
{
    const char *const *models = options->target->cpu_models;
    size_t count = 0;
    while (models[count])
        count++;
    options->cpu_models = list_or(options->cpu_models_given, models[0]);
    options->cpu_model = options->cpu_models[0];
    for (size_t i = 0; options->cpu_models[i]; i++) {
        if (!listed(models, count, options->cpu_models[i]))
            return unknown("CPU model", options->cpu_models[i], models, count);
        if (listed(options->cpu_models, i, options->cpu_models[i])) {
            say("run: CPU model %s is named twice", options->cpu_models[i]);
            return false;
        }
    }
    return true;
}

static void find_files(struct run_options *options)
{
    options->built_core = place(PLACE_IMAGE);
    options->built_corpus = place(PLACE_GUESTS);
    options->cores = list_or(options->cores_given, options->built_core);
    options->core = options->cores[0];
    options->corpus = options->corpus_given ? options->corpus_given : options->built_corpus;
}

/* CPUs that this process may use. */
static uint32_t cores_here(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (uint32_t)CPU_COUNT(&set) : 1;
}

/* What cannot be had of several runs at once. */
static bool fits_several(const struct run_options *options)
{
    bool several_targets = options->targets[1];
    if (!several_targets && !options->cpu_models[1] && !options->cores[1])
        return true;
    if (options->image || options->gb.out) {
        say("run: %s is of one run; name one --target, one --cpu-model and one --core",
            options->image ? "--image" : "--benchmark_out");
        return false;
    }
    if (several_targets && (options->cpu_models_given || options->cores[1])) {
        say("run: several targets run each on its usual CPU model, and one --core");
        return false;
    }
    return true;
}

static bool find_accelerator(const struct run_options *options)
{
    static const char *const names[] = {QEMU_KVM, QEMU_TCG};
    return !options->accel || listed(names, 2, options->accel) ||
           unknown("accelerator", options->accel, names, 2);
}

static bool may_pin(int cpu)
{
    cpu_set_t set;
    if (cpu < 0 || sched_getaffinity(0, sizeof(set), &set) < 0 || CPU_ISSET(cpu, &set))
        return true;
    say("run: --pin %d: there is no such CPU that this process may run on; `taskset -p $$` shows "
        "those that it may",
        cpu);
    return false;
}

/* What targets whose monitor is not our core have none of, or have alone. */
static bool fits_targets(const struct run_options *options)
{
    for (size_t i = 0; options->targets[i]; i++) {
        const char *name = options->targets[i]->name;
        bool ours = !options->targets[i]->own_policy;
        if (!ours && (options->probes || options->pmu_model)) {
            say("run: --%s is for our core's exits; target %s has none of them",
                options->probes ? "probes" : "pmu-model", name);
            return false;
        }
        if (!ours && (options->image || options->host_timer_given)) {
            say("run: --%s takes our core, which target %s runs without",
                options->image ? "image" : "host-timer", name);
            return false;
        }
        if (options->targets[i]->benchmarks_alone && options->image) {
            say("run: --image is for target bochs, not for %s", name);
            return false;
        }
        if (options->targets[i]->own_policy_alone && (options->policies || options->pmu)) {
            say("run: --%s takes a monitor that can be told; target %s has its own",
                options->pmu ? "pmu" : "policy", name);
            return false;
        }
        if (options->accel && !options->targets[i]->needs_emulated) {
            say("run: --accel is QEMU's, not for target %s", name);
            return false;
        }
        if ((ours || options->targets[i]->own_policy_alone) && options->pin_given) {
            say("run: --pin is for a target that runs on the host's own CPU, not for %s", name);
            return false;
        }
    }
    return true;
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
    double host_timer = 0, pin = -1;
    options->samples = SAMPLES_DEFAULT;
    options->rounds = options->cpus = 1;
    options->parallel = cores_here();
    options->timeout = options->image ? TIMEOUT_GUEST : TIMEOUT_DEFAULT;
    bool read =
        read_count("samples", options->samples_given, GUEST_SAMPLES_MAX, &options->samples) &&
        read_count("rounds", options->rounds_given, PLAN_ROUNDS_MAX, &options->rounds) &&
        read_count("parallel", options->parallel_given, PARALLEL_MOST, &options->parallel) &&
        read_count("cpus", options->cpus_given, PLAN_CPUS_MAX, &options->cpus) &&
        read_number("timeout", options->timeout_given, 0.001, 86400, &options->timeout) &&
        read_number("host-timer", options->host_timer_given, HOST_TIMER_LEAST, 4e9, &host_timer) &&
        read_number("pin", options->pin_given, 0, CPU_SETSIZE - 1, &pin);
    options->host_timer = (uint64_t)host_timer;
    options->pin = (int)pin;
    if (read && options->pin != pin) {
        say("run: --pin takes a whole number");
        return false;
    }
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
           not_with("corpus", options->corpus_given, other);
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
        {"target", 't', POPT_ARG_ARGV, &options->targets_given, 0,
         "where to run, may repeat: a run of each; see `exitmeter list` (bochs)", "TARGET"},
        {"guest", 'g', POPT_ARG_ARGV, &options->guests, 0,
         "benchmarks whose names match, may repeat (all but check/*)", "PATTERN"},
        {"policy", 'p', POPT_ARG_ARGV, &options->policies, 0,
         "shipped policy, pattern of shipped ones, or .policy file, may repeat (passthrough-all "
         "and intercept-all; of target kvm its own, kvm)",
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
        {"pin", '\0', POPT_ARG_STRING, &options->pin_given, 0,
         "kvm: host CPU that the vCPU runs on (the first that this process may use)", "CPU"},
        {"accel", '\0', POPT_ARG_STRING, &options->accel, 0,
         "qemu, vm: kvm or tcg (kvm; of target vm tcg where there is no /dev/kvm)", "ACCELERATOR"},
        {"timeout", '\0', POPT_ARG_STRING, &options->timeout_given, 0,
         "wall-clock limit of the boot (60, of targets kvm and vm more, and 0.5 for each job; with "
         "--image "
         "600)",
         "SECONDS"},
        {"cpu-model", '\0', POPT_ARG_ARGV, &options->cpu_models_given, 0,
         "CPU that the target emulates, may repeat: a run of each (corei7_haswell_4770)", "MODEL"},
        {"parallel", 'j', POPT_ARG_STRING, &options->parallel_given, 0,
         "runs at a time, of several CPU models or cores (the CPUs here)", "N"},
        {"corpus", '\0', POPT_ARG_STRING, &options->corpus_given, 0, "guest blob", "BLOB"},
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
        {"core", '\0', POPT_ARG_ARGV, &options->cores_given, 0,
         "the image with the core, may repeat: a run of each", "ELF"},
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
    find_files(options);
    return read_image(options) && read_numbers(options) && find_targets(options) &&
           find_cpu_models(options) && fits_several(options) && fits_targets(options) &&
           find_accelerator(options) && may_pin(options->pin) && find_probe_level(options);
}

static void free_list(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void run_options_free(struct run_options *options)
{
    free_list(options->targets_given);
    free(options->targets);
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
    free(options->pin_given);
    free_list(options->cpu_models_given);
    free((void *)(uintptr_t)options->cpu_models);
    free(options->corpus_given);
    free_list(options->cores_given);
    free((void *)(uintptr_t)options->cores);
    free(options->built_core);
    free(options->built_corpus);
    free(options->parallel_given);
    free(options->accel);
    free(options->output);
    free(options->image);
    free(options->initrd);
    free(options->command_line);
    free(options->start_given);
    free(options->address_given);
    free(options->until);
    gb_flags_free(&options->gb);
}
