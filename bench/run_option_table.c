/* SPDX-License-Identifier: MIT */
#include "run_option_table.h"

#include "text.h"

#include <stddef.h>
#include <stdlib.h>

/* The kind of run that an option is for. */
enum use { OF_EITHER, OF_BENCHMARKS, OF_IMAGE };

struct row {
    const char *name;
    char letter;
    unsigned kind; /* POPT_ARG_STRING: a char *; POPT_ARG_ARGV: a char **, as it may repeat */
    size_t field;  /* offset of that in struct run_options */
    enum use use;
    const char *help, *argument;
};

/* Kind and field; a field of another type does not compile. */
#define OF_TYPE(field, type) \
    _Generic(((struct run_options *)0)->field, type : offsetof(struct run_options, field))
#define TEXT(field) POPT_ARG_STRING, OF_TYPE(field, char *)
#define LIST(field) POPT_ARG_ARGV, OF_TYPE(field, char **)

static const struct row rows[] = {
    {"target", 't', LIST(targets_given), OF_EITHER,
     "where to run, may repeat: a run of each; see `exitmeter list` (bochs)", "TARGET"},
    {"guest", 'g', LIST(guests), OF_BENCHMARKS,
     "benchmarks whose names match, may repeat (all but check/*)", "PATTERN"},
    {"policy", 'p', LIST(policies), OF_EITHER,
     "shipped policy, pattern of shipped ones, or .policy file, may repeat (passthrough-all and "
     "intercept-all; of target kvm its own, kvm)",
     "POLICY"},
    {"samples", 'n', TEXT(samples_given), OF_BENCHMARKS, "samples a phase (1000)", "N"},
    {"rounds", '\0', TEXT(rounds_given), OF_BENCHMARKS,
     "times that the samples are taken; the last are kept, all are in histograms (1)", "N"},
    {"cpus", '\0', TEXT(cpus_given), OF_BENCHMARKS,
     "CPUs to start; benchmarks of two are skipped on one (1)", "N"},
    {"probes", '\0', TEXT(probes), OF_BENCHMARKS,
     "off, counts, stamps, full or hardware, whatever the policies say (full)", "LEVEL"},
    {"pmu", '\0', TEXT(pmu), OF_BENCHMARKS,
     "events that performance counters count, in the host and in the guest: see `exitmeter pmu`",
     "EVENT[,EVENT]..."},
    {"pmu-model", '\0', TEXT(pmu_model), OF_BENCHMARKS,
     "PMU model that the events are encoded for (that of the target's CPU)", "MODEL"},
    {"host-timer", '\0', TEXT(host_timer_given), OF_BENCHMARKS,
     "checks only: TSC ticks between interrupts of the host's own (none)", "N"},
    {"pin", '\0', TEXT(pin_given), OF_EITHER,
     "kvm: host CPU that the vCPU runs on (the first that this process may use)", "CPU"},
    {"accel", '\0', TEXT(accel), OF_EITHER,
     "qemu, vm: kvm or tcg (kvm; of target vm tcg where there is no /dev/kvm)", "ACCELERATOR"},
    {"timeout", '\0', TEXT(timeout_given), OF_EITHER,
     "wall-clock limit of the boot (60, of targets kvm and vm more, and 0.5 for each job; with "
     "--image 600)",
     "SECONDS"},
    {"cpu-model", '\0', LIST(cpu_models_given), OF_EITHER,
     "CPU that the target emulates, may repeat: a run of each (corei7_haswell_4770)", "MODEL"},
    {"parallel", 'j', TEXT(parallel_given), OF_EITHER,
     "runs at a time, of several CPU models or cores (the CPUs here)", "N"},
    {"corpus", '\0', TEXT(corpus_given), OF_BENCHMARKS, "guest blob", "BLOB"},
    {"image", '\0', TEXT(image), OF_EITHER,
     "in place of benchmarks: boot this guest, which has the machine, and profile it", "FILE"},
    {"initrd", '\0', TEXT(initrd), OF_IMAGE, "its initial RAM disk, or module", "FILE"},
    {"cmdline", '\0', TEXT(command_line), OF_IMAGE, "its command line", "TEXT"},
    {"start", '\0', TEXT(start_given), OF_IMAGE,
     "real, protected or long: of a flat image, or to overrule another", "MODE"},
    {"address", '\0', TEXT(address_given), OF_IMAGE,
     "where a flat image lies (0x7c00 in real mode, else 0x100000)", "N"},
    {"until", '\0', TEXT(until), OF_IMAGE, "end once the guest's console shows this", "TEXT"},
    {"core", '\0', LIST(cores_given), OF_EITHER,
     "the image with the core, may repeat: a run of each", "ELF"},
    {"output", 'o', TEXT(output), OF_EITHER, "run directory to make (runs/DATE)", "RUN"},
};
#define ROWS (sizeof(rows) / sizeof(*rows))

static char **text_of(const struct run_options *options, const struct row *row)
{
    return (char **)(uintptr_t)((const char *)options + row->field);
}

static char ***list_of(const struct run_options *options, const struct row *row)
{
    return (char ***)(uintptr_t)((const char *)options + row->field);
}

static bool is_given(const struct run_options *options, const struct row *row)
{
    return row->kind == POPT_ARG_ARGV ? *list_of(options, row) != NULL
                                      : *text_of(options, row) != NULL;
}

bool run_option_table_read(const struct command *command, int argc, const char **argv,
                           struct run_options *options, int *code)
{
    struct poptOption table[ROWS + 1] = {[ROWS] = POPT_TABLEEND};

    for (size_t i = 0; i < ROWS; i++)
        table[i] = (struct poptOption){
            rows[i].name, rows[i].letter,  rows[i].kind, (char *)options + rows[i].field, 0,
            rows[i].help, rows[i].argument};
    return options_read(command, argc, argv, table, gb_flags_help, code);
}

bool run_option_table_fits(const struct run_options *options)
{
    static const char *const why[] = {
        [OF_BENCHMARKS] = "is for benchmarks, not for --image",
        [OF_IMAGE] = "needs --image: it is of a guest of your own",
    };
    enum use other = options->image ? OF_BENCHMARKS : OF_IMAGE;

    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].use == other && is_given(options, &rows[i])) {
            say("run: --%s %s", rows[i].name, why[other]);
            return false;
        }
    }
    return true;
}

static void list_free(char **list)
{
    for (char **item = list; item && *item; item++)
        free(*item);
    free(list);
}

void run_option_table_free(struct run_options *options)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].kind == POPT_ARG_ARGV)
            list_free(*list_of(options, &rows[i]));
        else
            free(*text_of(options, &rows[i]));
    }
}
