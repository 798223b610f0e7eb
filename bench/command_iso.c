/* SPDX-License-Identifier: MIT */
/*
 * iso: what `run` would run, as an image that a machine boots by itself. It takes run's options for
 * what to measure, and a few of its own for where that goes.
 */
#include "interrupt.h"
#include "iso.h"
#include "notes.h"
#include "text.h"

#include "../guests/serial_frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES_DEFAULT 2u

struct iso_options {
    const char *output, *pxe, *passes_given, *at_end;
    uint32_t passes;
    bool halt, guest_only;
};

/* The options that are not run's. */
static const struct iso_option {
    const char *name, *argument, *help;
    char letter;
    size_t place;
} own[] = {
    {"output", "FILE", "image to make or replace, for CD and USB, BIOS and UEFI", 'o',
     offsetof(struct iso_options, output)},
    {"pxe", "DIR",
     "directory to fill for a TFTP server: boot exitmeter.0 by BIOS, exitmeter.efi "
     "by UEFI",
     '\0', offsetof(struct iso_options, pxe)},
    {"passes", "N", "times that the results are sent; 0: until a byte comes back (2)", '\0',
     offsetof(struct iso_options, passes_given)},
    {"at-end", "off|halt", "what the machine does then (off)", '\0',
     offsetof(struct iso_options, at_end)},
};
#define OWN (sizeof(own) / sizeof(*own))

/* Those of run's that say where it is to run, which is settled. */
static const char *const not_here[] = {"target",   "cpu-model", "timeout", "image",
                                       "parallel", "accel",     "pin"};

/* Whether the argument is the option: --NAME, --NAME=VALUE or -L; *value: behind the '='. */
static bool is_option(const char *argument, const char *name, char letter, const char **value)
{
    size_t length = strlen(name);

    *value = NULL;
    if (letter && argument[0] == '-' && argument[1] == letter) {
        *value = argument[2] ? argument + 2 : NULL;
        return true;
    }
    if (strncmp(argument, "--", 2) != 0 || strncmp(argument + 2, name, length) != 0)
        return false;
    if (argument[2 + length] == '=')
        *value = argument + 2 + length + 1;
    return *value || !argument[2 + length];
}

static const struct iso_option *find_own(const char *argument, const char **value)
{
    for (size_t i = 0; i < OWN; i++)
        if (is_option(argument, own[i].name, own[i].letter, value))
            return &own[i];
    return NULL;
}

static void help(void)
{
    puts("exitmeter iso: an image that a VT-x machine boots, with the benchmarks inside\n\n"
         "Usage: exitmeter iso -o FILE | --pxe DIR [OPTION]...\n");
    for (size_t i = 0; i < OWN; i++)
        printf("  %s%c%s--%s=%s\n        %s\n", own[i].letter ? "-" : "",
               own[i].letter ? own[i].letter : ' ', own[i].letter ? ", " : "   ", own[i].name,
               own[i].argument, own[i].help);
    puts("      --guest-only\n        the guests alone, straight as the guest of whatever monitor "
         "boots the image");
    puts("\nAnd those options of `exitmeter run` that say what is measured: --guest, --policy, "
         "--samples,\n--rounds, --cpus, --probes, --pmu, --pmu-model, --benchmark_filter ...; see "
         "`exitmeter run --help`.\n"
         "What the image sends over COM1 becomes a run by `exitmeter import`.");
}

/* Takes our options out of argv, and leaves the rest in left, which has room. False: *code. */
static bool split(int argc, const char **argv, struct iso_options *options, const char **left,
                  int *kept, int *code)
{
    *code = CODE_USAGE;
    for (int i = 1; i < argc; i++) {
        const char *value;
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            *code = CODE_DONE;
            return false;
        }
        for (size_t j = 0; j < sizeof(not_here) / sizeof(*not_here); j++)
            if (is_option(argv[i], not_here[j], strcmp(not_here[j], "target") == 0 ? 't' : 0,
                          &value)) {
                say("iso: --%s is for `run`: an image runs on the machine that boots it",
                    not_here[j]);
                return false;
            }
        if (strcmp(argv[i], "--guest-only") == 0) {
            options->guest_only = true;
            continue;
        }
        const struct iso_option *option = find_own(argv[i], &value);
        if (!option) {
            left[(*kept)++] = argv[i];
            continue;
        }
        if (!value && i + 1 < argc)
            value = argv[++i];
        if (!value || !*value) {
            say("iso: --%s wants %s", option->name, option->argument);
            return false;
        }
        memcpy((char *)options + option->place, &value, sizeof(value));
    }
    return true;
}

static bool read_own(struct iso_options *options)
{
    char *end;
    unsigned long passes = PASSES_DEFAULT;

    if (!options->output && !options->pxe) {
        say("iso: what is to be made? -o FILE for an image, or --pxe DIR");
        return false;
    }
    if (options->passes_given) {
        passes = strtoul(options->passes_given, &end, 10);
        if (*options->passes_given < '0' || *options->passes_given > '9' || *end ||
            passes > SERIAL_PASSES_MAX) {
            say("iso: --passes takes a number from 0 to %u, not '%s'", SERIAL_PASSES_MAX,
                options->passes_given);
            return false;
        }
    }
    options->passes = (uint32_t)passes;
    options->halt = options->at_end && strcmp(options->at_end, "halt") == 0;
    if (options->at_end && !options->halt && strcmp(options->at_end, "off") != 0) {
        say("iso: --at-end takes off or halt, not '%s'", options->at_end);
        return false;
    }
    return true;
}

/* Now, or what the environment says: the same command then makes the same bytes. */
static time_t time_made(void)
{
    const char *given = getenv("SOURCE_DATE_EPOCH");
    char *end;
    long long seconds = given ? strtoll(given, &end, 10) : 0;

    return given && *given && !*end && seconds >= 0 ? (time_t)seconds : time(NULL);
}

static int make(const struct iso_options *options, struct run *run)
{
    uint32_t flags = target_native.plan_flags | (options->halt ? PLAN_HALT : 0);
    struct iso_content content = {.core = run->options.core, .guests = run->options.corpus};
    char *error = NULL;
    int result = 0;

    run->experiment.serial_passes = options->passes;
    char *notes = notes_make(run, flags);
    void *plan = experiment_plan(&run->experiment, flags, &content.plan_size);
    content.plan = plan;
    content.notes = notes;
    interrupt_catch();
    if (options->output)
        result = iso_write(&content, options->output, &error);
    if (result == 0 && options->pxe)
        result = iso_write_netboot(&content, options->pxe, &error);
    free(plan);
    free(notes);
    if (interrupt_signal()) {
        free(error);
        say("iso: interrupted");
        return CODE_SIGNAL + interrupt_signal();
    }
    if (result < 0) {
        say("iso: %s", error);
        free(error);
        return CODE_FAILED;
    }
    fprintf(stderr,
            "iso: %s%s%s (%zu jobs); capture COM1 (115200 8N1, raw), then `exitmeter import "
            "CAPTURE`\n",
            options->output ? options->output : "", options->output && options->pxe ? " and " : "",
            options->pxe ? options->pxe : "", experiment_all_jobs(&run->experiment));
    return CODE_DONE;
}

int command_iso(const struct command *command, int argc, const char **argv)
{
    struct iso_options options = {0};
    struct run run = {0};
    int code, kept = 2;
    size_t count = 1 + (size_t)argc;
    const char **line = zeroed(count, sizeof(*line));            /* as given */
    const char **left = zeroed((size_t)argc + 2, sizeof(*left)); /* for run's reading */
    char *target = NULL;

    line[0] = "exitmeter";
    memcpy(line + 1, argv, (size_t)argc * sizeof(*line));
    left[0] = argv[0];
    bool sound = split(argc, argv, &options, left, &kept, &code);
    left[1] = target =
        text("--target=%s", options.guest_only ? target_vm.name : target_native.name);
    if (sound && run_options_read(command, kept, left, &run.options, &code)) {
        run.facts = (struct run_facts){.target = run.options.target,
                                       .cpu_model = run.options.cpu_model,
                                       .command = line,
                                       .command_count = count,
                                       .created = time_made()};
        code = run.options.gb.list_tests || read_own(&options) ? run_prepare(&run) : CODE_USAGE;
        if (code == CODE_DONE && run.options.gb.list_tests)
            run_list(&run);
        else if (code == CODE_DONE)
            code = make(&options, &run);
    }
    run_release(&run);
    run_options_free(&run.options);
    free(target);
    free(left);
    free(line);
    return code;
}
