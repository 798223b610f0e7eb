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
#include "bochs_run.h"
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
#define XORRISO_SECONDS 30.0

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

/*
 * With a guest that has the machine: its console, and as many instructions a second of virtual time
 * as Bochs executes about, or the guest would do little else than serve its timer.
 */
static const char configuration_guest[] = "cpu: ips=50000000\n"
                                          "com1: enabled=1, mode=file, dev=com1.txt\n";

/*
 * SIGINT brings the debugger back, which asks for the end and lets the core go on. If the core has
 * come to the end by itself before, it is past its first magic breakpoint, and comes to another.
 */
static const char commands_guest[] = "c\nsetpmem 0x%llx 4 1\n";

static void files_name(const char *scratch, struct bochs_files *files)
{
    *files = (struct bochs_files){
        .tree = text("%s/tree", scratch),
        .bochsrc = text("%s/bochsrc", scratch),
        .commands = text("%s/commands", scratch),
        .log = text("%s/bochs.log", scratch),
        .console = text("%s/console.txt", scratch),
        .com1 = text("%s/com1.txt", scratch),
        .results = text("%s/results.bin", scratch),
    };
}

static void files_free(struct bochs_files *files)
{
    free(files->tree);
    free(files->bochsrc);
    free(files->commands);
    free(files->log);
    free(files->console);
    free(files->com1);
    free(files->results);
}

static int write_text(const char *path, char *content)
{
    int result = file_write(path, content, strlen(content));
    free(content);
    return result;
}

/* Memory in MiB that holds the results, and the guest. */
static unsigned long long memory_for(const struct boot *boot)
{
    unsigned long long end = boot->results_base + boot->results_size;
    if (boot->guest && boot->guest->memory > end)
        end = boot->guest->memory;
    unsigned long long needed = (end + 64 * MEBIBYTE - 1) / (64 * MEBIBYTE) * 64;
    return needed < MEMORY_LEAST ? MEMORY_LEAST : needed;
}

static char *make_configuration(const struct boot *boot)
{
    unsigned long long memory = memory_for(boot);
    char *usual = text(configuration, boot->cpu_model, boot->cpus, memory, memory);
    char *all = text("%s%s", usual, boot->guest ? configuration_guest : "");
    free(usual);
    return all;
}

static char *make_commands(const struct boot *boot)
{
    char *first = boot->guest ? text(commands_guest, (unsigned long long)boot->guest->request)
                              : text("%s", "");
    char *rest = text(commands, (unsigned long long)boot->results_base,
                      (unsigned long long)boot->results_size);
    char *all = text("%s%s", first, rest);
    free(first);
    free(rest);
    return all;
}

/* Everything but the ISO. Returns 0, or -1 with errno set. */
static int stage(const struct boot *boot, const struct bochs_files *files)
{
    const struct boot_guest *guest = boot->guest;
    char *grub = place(guest ? PLACE_GRUB_GUEST : PLACE_GRUB);
    const struct {
        const char *from, *name;
    } copies[] = {{boot->core, "core.elf"},
                  {boot->guests, "guests.bin"},
                  {boot->plan, "plan.bin"},
                  {grub, "cd.img"},
                  {boot->guest ? boot->guest->image : NULL, "image.bin"},
                  {boot->guest ? boot->guest->initrd : NULL, "initrd.bin"}};
    int result = mkdir(files->tree, 0777);

    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]) && result == 0; i++) {
        char *to = text("%s/%s", files->tree, copies[i].name);
        result = copies[i].from ? file_copy(copies[i].from, to) : file_write(to, "", 0);
        free(to);
    }
    free(grub);
    if (result == 0)
        result = write_text(files->bochsrc, make_configuration(boot));
    if (result == 0)
        result = write_text(files->commands, make_commands(boot));
    return result;
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
    const struct child child = {
        .argv = argv, .directory = boot->scratch, .timeout = XORRISO_SECONDS};

    setenv("SOURCE_DATE_EPOCH", "1000000000", 1); /* the same ISO from the same files */
    end->failure = bochs_child(&child, end, &child_end);
    if (end->failure)
        end->detail = text("%s", child_end.output);
    free(xorriso);
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
    struct bochs_files files;
    *end = (struct boot_end){0};
    files_name(boot->scratch, &files);
    if (stage(boot, &files) < 0)
        end->failure = text("cannot prepare the boot: %s", strerror(errno));
    if (!end->failure)
        make_iso(boot, end);
    if (!end->failure) {
        bochs_run(boot, &files, end);
        end->emulator = emulator_of(files.log);
        if (file_copy(files.console, boot->console) < 0 && errno != ENOENT && !end->failure)
            end->failure = text("cannot keep the console: %s", strerror(errno));
        if (boot->guest && file_copy(files.com1, boot->guest->console) < 0 && errno != ENOENT &&
            !end->failure)
            end->failure = text("cannot keep the guest's console: %s", strerror(errno));
    }
    files_free(&files);
}

const struct target target_bochs = {
    .name = "bochs",
    .description = "our image on Bochs, which emulates VT-x: exact, one tick an instruction",
    .unit = "ticks",
    .plan_flags = PLAN_MAGIC_BREAK | PLAN_CONSOLE_PARALLEL,
    .needs = NEEDED_FOR_BOCHS,
    .image = PLACE_IMAGE,
    .parallel = true,
    .results_most = MEMORY_MOST * MEBIBYTE - RESULTS_BASE,
    .cpu_models = cpu_models,
    .pmu_models = cpu_pmu_models,
    .boot = boot_bochs,
};
