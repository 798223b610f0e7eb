/* SPDX-License-Identifier: MIT */
#include "run_options.h"

#include "nearest.h"
#include "places.h"
#include "qemu.h"
#include "run_option_table.h"
#include "run_option_values.h"
#include "text.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

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

bool run_options_read(const struct command *command, int argc, const char **argv,
                      struct run_options *options, int *code)
{
    *options = (struct run_options){0};
    *code = CODE_USAGE;
    gb_flags_start(&options->gb, (size_t)argc);
    if (!split_flags(options, &argc, argv))
        return false;
    if (!run_option_table_read(command, argc, argv, options, code))
        return false;
    *code = CODE_USAGE;
    find_files(options);
    return run_option_table_fits(options) && read_start(options) &&
           run_option_values_read(options) && find_targets(options) && find_cpu_models(options) &&
           fits_several(options) && fits_targets(options) && find_accelerator(options) &&
           may_pin(options->pin) && find_probe_level(options);
}

void run_options_free(struct run_options *options)
{
    run_option_table_free(options);
    free(options->targets);
    free((void *)(uintptr_t)options->cpu_models);
    free((void *)(uintptr_t)options->cores);
    free(options->built_core);
    free(options->built_corpus);
    gb_flags_free(&options->gb);
}
