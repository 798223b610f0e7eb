/* SPDX-License-Identifier: MIT */
/*
 * Target bochs: the image from an ISO under Bochs, which emulates VT-x in full; one TSC tick an
 * instruction.
 *
 * Debian's Bochs is the debugger build. The image stops it with XCHG BX,BX once its results are
 * complete, the debugger writes them to a file, and quits: exit status 0. Every other way to end is
 * a panic, a triple fault or a power-off among them: exit status 1 and the reason in the log.
 */
#include "../guests/plan.h"
#include "child.h"
#include "experiment.h"
#include "files.h"
#include "follow.h"
#include "places.h"
#include "requirement.h"
#include "target.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEBIBYTE        1048576ull
#define MEMORY_LEAST    512ull  /* MiB; enough for every usual run, so those all see one machine */
#define MEMORY_MOST     2048ull /* MiB; Bochs refuses more */
#define PANIC_MARK      ">>PANIC<< "
#define STATE_LINES     40u
#define XORRISO_SECONDS 30.0
#define HALTED_SECONDS  2.0 /* without a word of the core after a HLT with interrupts off */

#define BOCHS_CPU(cpu, pmu) cpu,
static const char *const cpu_models[] = {
#include "bochs_cpu_list.h"
    NULL,
};
#undef BOCHS_CPU

#define BOCHS_CPU(cpu, pmu) pmu,
static const char *const cpu_pmu_models[] = {
#include "bochs_cpu_list.h"
    NULL,
};
#undef BOCHS_CPU

/*
 * Few instructions a second of virtual time make the delay loops of BIOS and GRUB short. A fixed
 * time of day and no synchronisation to the host's make every boot the same.
 */
static const char configuration[] =
    "cpu: model=%s, count=%u, ips=1000000, reset_on_triple_fault=0, ignore_bad_msrs=1\n"
    "memory: guest=%llu, host=%llu\n"
    "romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot\n"
    "vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest\n"
    "ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n"
    "ata0-master: type=cdrom, path=boot.iso, status=inserted\n"
    "boot: cdrom\n"
    "clock: sync=none, time0=1000000000\n"
    "display_library: term\n"
    "panic: action=fatal\n"
    "error: action=report\n"
    "info: action=report\n"
    "log: bochs.log\n"
    "magic_break: enabled=1\n"
    "speaker: enabled=0\n"
    "parport1: enabled=1, file=console.txt\n";

static const char commands[] = "c\nwritemem \"results.bin\" 0x%llx %llu\nq\n";

/* Paths below the scratch directory; Bochs runs in it and uses the last part of each. */
struct files {
    char *tree, *bochsrc, *commands, *log, *console, *results;
};

static void files_name(const char *scratch, struct files *files)
{
    *files = (struct files){
        .tree = text("%s/tree", scratch),
        .bochsrc = text("%s/bochsrc", scratch),
        .commands = text("%s/commands", scratch),
        .log = text("%s/bochs.log", scratch),
        .console = text("%s/console.txt", scratch),
        .results = text("%s/results.bin", scratch),
    };
}

static void files_free(struct files *files)
{
    free(files->tree);
    free(files->bochsrc);
    free(files->commands);
    free(files->log);
    free(files->console);
    free(files->results);
}

static int write_text(const char *path, char *content)
{
    int result = file_write(path, content, strlen(content));
    free(content);
    return result;
}

/* Guest memory in MiB that holds the results. */
static unsigned long long memory_for(const struct boot *boot)
{
    unsigned long long end = boot->results_base + boot->results_size;
    unsigned long long needed = (end + 64 * MEBIBYTE - 1) / (64 * MEBIBYTE) * 64;
    return needed < MEMORY_LEAST ? MEMORY_LEAST : needed;
}

/* Everything but the ISO. Returns 0, or -1 with errno set. */
static int stage(const struct boot *boot, const struct files *files)
{
    char *grub = place(PLACE_GRUB);
    const struct {
        const char *from, *name;
    } copies[] = {{boot->image, "core.elf"},
                  {boot->guests, "guests.bin"},
                  {boot->plan, "plan.bin"},
                  {grub, "cd.img"}};
    unsigned long long memory = memory_for(boot);
    int result = mkdir(files->tree, 0777);

    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]) && result == 0; i++) {
        char *to = text("%s/%s", files->tree, copies[i].name);
        result = file_copy(copies[i].from, to);
        free(to);
    }
    free(grub);
    if (result == 0)
        result = write_text(files->bochsrc,
                            text(configuration, boot->cpu_model, boot->cpus, memory, memory));
    if (result == 0)
        result = write_text(files->commands, text(commands, (unsigned long long)boot->results_base,
                                                  (unsigned long long)boot->results_size));
    return result;
}

/* Runs a child and returns why it did not end well, or NULL; free() it. */
static char *run(const struct child *child, struct boot_end *end, struct child_end *child_end)
{
    child_run(child, child_end);
    if (child_end->how == CHILD_INTERRUPTED)
        end->signal_number = child_end->code;
    if (child_end->how == CHILD_EXITED && child_end->code == 0)
        return NULL;
    return child_end_text(child, child_end);
}

static void make_iso(const struct boot *boot, struct boot_end *end)
{
    struct child_end child_end;
    char *xorriso = program_find("xorriso");
    const char *const argv[] = {xorriso,
                                "-as",
                                "mkisofs",
                                "-quiet",
                                "-b",
                                "cd.img",
                                "-no-emul-boot",
                                "-boot-load-size",
                                "4",
                                "-boot-info-table",
                                "-o",
                                "boot.iso",
                                "tree",
                                NULL};
    const struct child child = {argv, boot->scratch, XORRISO_SECONDS, NULL, NULL};

    setenv("SOURCE_DATE_EPOCH", "1000000000", 1); /* the same ISO from the same files */
    end->failure = run(&child, end, &child_end);
    if (end->failure)
        end->detail = text("%s", child_end.output);
    free(xorriso);
}

/* What is watched while Bochs runs. */
struct watch {
    struct follow console, log;
    double halted; /* when a HLT with interrupts off was last logged; 0 once the core has gone on */
};

static const char *watch(void *context)
{
    struct watch *watch = context;
    const char *line;
    while ((line = follow_line(&watch->console))) {
        watch->halted = 0;
        if (strncmp(line, "job ", 4) == 0)
            progress("%s", line);
    }
    /* Bochs says so of a guest's HLT too, before it exits: only silence afterwards is a halt. The
     * second CPU halts so in the BIOS. */
    while ((line = follow_line(&watch->log)))
        if (strstr(line, "HLT instruction with IF=0") && strstr(line, "[CPU0"))
            watch->halted = monotonic_seconds();
    if (watch->halted && monotonic_seconds() - watch->halted > HALTED_SECONDS)
        return "the CPU halted with interrupts off";
    return NULL;
}

/* The panic in the log in words, or NULL; free() it. */
static char *panic_of(const char *log)
{
    char *line = file_tail(log, 1, PANIC_MARK), *panic = NULL;
    char *at = line ? strstr(line, PANIC_MARK) : NULL;
    if (at) {
        at[strcspn(at, "\n")] = '\0';
        if (strstr(at, "shutdown requested"))
            panic = text("the core powered off before its results were complete");
        else
            panic = text("Bochs stopped: %s", printable(at + strlen(PANIC_MARK)));
    }
    free(line);
    return panic;
}

/* The CPU's state as the last panic dumped it, or NULL; free() it. */
static char *state_in(const char *log)
{
    char *lines = file_tail(log, STATE_LINES, "[CPU0  ]");
    char *panic = lines ? strstr(lines, PANIC_MARK) : NULL;
    if (!panic) /* another device's panic: the dump fills all of these lines */
        return lines;
    while (panic > lines && panic[-1] != '\n')
        panic--;
    char *state = text("%s", panic);
    free(lines);
    return state;
}

static void run_bochs(const struct boot *boot, const struct files *files, struct boot_end *end)
{
    struct child_end child_end;
    char *bochs = program_find("bochs");
    const char *const argv[] = {bochs, "-q", "-f", "bochsrc", "-rc", "commands", NULL};
    struct watch watched = {.console = {.path = files->console}, .log = {.path = files->log}};
    const struct child child = {argv, boot->scratch, boot->timeout, watch, &watched};
    struct stat status;

    char *failure = run(&child, end, &child_end);
    follow_close(&watched.console);
    follow_close(&watched.log);
    free(bochs);
    if (!failure && stat(files->results, &status) < 0)
        failure = text("Bochs ended without writing the results");
    if (!failure) {
        end->results = text("%s", files->results);
        return;
    }
    char *panic = end->signal_number ? NULL : panic_of(files->log);
    if (panic && !strstr(panic, "powered off")) /* the core had no say: show the CPU's state */
        end->detail = state_in(files->log);
    else if (!panic && child_end.how == CHILD_EXITED)
        end->detail = text("%s", child_end.output);
    end->failure = panic ? panic : failure;
    if (panic)
        free(failure);
}

/* "Bochs x86 Emulator 2.7", from the first line of the log. */
static char *emulator_of(const char *log)
{
    static const char mark[] = "Bochs x86 Emulator ";
    struct follow follow = {.path = log};
    const char *line = follow_line(&follow), *at = line ? strstr(line, mark) : NULL;
    char *emulator = at ? text("%s", at) : NULL;
    follow_close(&follow);
    return emulator ? printable(emulator) : NULL;
}

static void boot_bochs(const struct boot *boot, struct boot_end *end)
{
    struct files files;
    *end = (struct boot_end){0};
    files_name(boot->scratch, &files);
    if (stage(boot, &files) < 0)
        end->failure = text("cannot prepare the boot: %s", strerror(errno));
    if (!end->failure)
        make_iso(boot, end);
    if (!end->failure) {
        run_bochs(boot, &files, end);
        end->emulator = emulator_of(files.log);
        if (file_copy(files.console, boot->console) < 0 && errno != ENOENT && !end->failure)
            end->failure = text("cannot keep the console: %s", strerror(errno));
    }
    files_free(&files);
}

const struct target target_bochs = {
    .name = "bochs",
    .description = "our image on Bochs, which emulates VT-x: exact, one tick an instruction",
    .unit = "ticks",
    .plan_flags = PLAN_MAGIC_BREAK | PLAN_CONSOLE_PARALLEL,
    .needs = NEEDED_FOR_BOCHS,
    .results_most = MEMORY_MOST * MEBIBYTE - RESULTS_BASE,
    .cpu_models = cpu_models,
    .pmu_models = cpu_pmu_models,
    .boot = boot_bochs,
};
