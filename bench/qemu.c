/* SPDX-License-Identifier: MIT */
#include "qemu.h"

#include "../core/boot/debug_exit.h"
#include "../guests/results.h"
#include "child.h"
#include "exit_code.h"
#include "files.h"
#include "follow.h"
#include "places.h"
#include "text.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEBIBYTE        1048576ull
#define MEMORY_LEAST    512ull /* MiB; so every usual run sees one machine */
#define VERSION_SECONDS 20.0

/* The guest's memory, in nobody's file. */
struct shared {
    int file;
    uint8_t *data;
    unsigned long long size; /* MiB */
};

static int shared_make(const struct boot *boot, struct shared *shared)
{
    unsigned long long end = boot->results_base + boot->results_size;
    unsigned long long needed = (end + 64 * MEBIBYTE - 1) / (64 * MEBIBYTE) * 64;

    *shared = (struct shared){.size = needed < MEMORY_LEAST ? MEMORY_LEAST : needed};
    shared->file = memfd_create("exitmeter", 0); /* QEMU inherits it */
    if (shared->file < 0 || ftruncate(shared->file, (off_t)(shared->size * MEBIBYTE)) < 0)
        return -1;
    void *data = mmap(NULL, shared->size * MEBIBYTE, PROT_READ, MAP_SHARED, shared->file, 0);
    shared->data = data == MAP_FAILED ? NULL : data;
    return shared->data ? 0 : -1;
}

static void shared_free(struct shared *shared)
{
    if (shared->data)
        munmap(shared->data, shared->size * MEBIBYTE);
    if (shared->file >= 0)
        close(shared->file);
}

/* What is watched while QEMU runs. */
struct watch {
    struct follow console;
    const struct results_header *results; /* in the guest's memory */
    uint32_t beat;
    double last; /* when that changed; 0: not since the machine was started */
};

static const char *watch(void *context)
{
    struct watch *watch = context;
    struct results_header now;
    const char *line;

    while ((line = follow_line(&watch->console)))
        if (strncmp(line, "job ", 4) == 0)
            progress("%s", line);
    memcpy(&now, watch->results, sizeof(now));
    if (now.magic == RESULTS_MAGIC &&
        (now.beat != watch->beat || (watch->last > 0 && !now.begun))) {
        watch->beat = now.beat;
        watch->last = monotonic_seconds();
    }
    return watch->last > 0 && now.patience && monotonic_seconds() - watch->last > now.patience
               ? "a row did not come back"
               : NULL;
}

/* "QEMU emulator version 7.2.22 (Debian ...)"; NULL if it does not say; free() it. */
static char *version_of(const char *program, const char *directory)
{
    const char *const argv[] = {program, "--version", NULL};
    const struct child child = {.argv = argv, .directory = directory, .timeout = VERSION_SECONDS};
    struct child_end end;

    child_run(&child, &end);
    end.output[strcspn(end.output, "\n")] = '\0';
    return end.how == CHILD_EXITED && end.code == 0 ? text("%s", end.output) : NULL;
}

/* Whether the image ended by itself, with that code. */
static bool ended_with(const struct child_end *end, unsigned code)
{
    return end->how == CHILD_EXITED && end->code == (int)DEBUG_EXIT_STATUS(code);
}

/* The region out of the guest's memory, if the image has begun to fill it. */
static bool take_results(const struct boot *boot, const struct shared *shared, struct boot_end *end)
{
    struct results_header header;
    const uint8_t *region = shared->data + boot->results_base;

    memcpy(&header, region, sizeof(header));
    if (header.magic != RESULTS_MAGIC)
        return false;
    if (header.status == RESULT_SKIPPED) {
        header.reason[sizeof(header.reason) - 1] = '\0';
        end->unavailable = true;
        end->failure = printable(text("%s", header.reason));
        return true;
    }
    end->results = text("%s/results.bin", boot->scratch);
    if (file_write(end->results, region, boot->results_size) == 0)
        return true;
    end->failure = text("cannot keep the results: %s", strerror(errno));
    return true;
}

/* In words, where there is nothing of the image's to go by. */
static char *why(const struct child *child, const struct child_end *child_end)
{
    if (child_end->how == CHILD_EXITED && child_end->code == 0)
        return text("the machine was reset or switched off before there were results");
    return child_end_text(child, child_end);
}

/* Whether the machine was lost in the middle of a row, behind which another start goes on. */
static bool lost_in_a_row(const struct boot *boot, const struct shared *shared,
                          const struct child_end *end)
{
    struct results_header header;

    memcpy(&header, shared->data + boot->results_base, sizeof(header));
    return header.magic == RESULTS_MAGIC && header.status == RESULT_NOT_RUN && header.begun &&
           (end->how == CHILD_STOPPED || (end->how == CHILD_EXITED && end->code == 0));
}

/* Starts the machine, and again, with its memory as it is, as long as rows are what ends it. */
static void run_to_the_end(const struct boot *boot, const struct shared *shared,
                           const struct child *child, struct child_end *end)
{
    double deadline = monotonic_seconds() + boot->timeout;
    struct child next = *child;

    for (;;) {
        next.timeout = deadline - monotonic_seconds();
        child_run(&next, end);
        if (!lost_in_a_row(boot, shared, end) || monotonic_seconds() >= deadline)
            return;
        progress("a row did not come back; starting the machine behind it");
        ((struct watch *)child->context)->last = 0;
    }
}

static void run(const struct boot *boot, const struct shared *shared, const char *program,
                struct boot_end *end)
{
    char *memory = text("/proc/self/fd/%d", shared->file);
    char *console = text("%s/console.txt", boot->scratch);
    struct watch watched = {.console = {.path = console},
                            .results = (const void *)(shared->data + boot->results_base)};
    struct qemu_command command;
    struct child_end child_end;

    qemu_command_make(boot, program, memory, shared->size, &command);
    const struct child child = {.argv = (const char *const *)command.words,
                                .directory = boot->scratch,
                                .timeout = boot->timeout,
                                .watch = watch,
                                .context = &watched};
    run_to_the_end(boot, shared, &child, &child_end);
    follow_close(&watched.console);
    if (child_end.how == CHILD_INTERRUPTED) {
        end->signal_number = child_end.code;
        end->failure = child_end_text(&child, &child_end);
    } else if (!take_results(boot, shared, end)) {
        end->failure = why(&child, &child_end);
        if (*child_end.output)
            end->detail = text("%s", child_end.output);
    } else if (!end->failure && !ended_with(&child_end, CODE_DONE) &&
               !ended_with(&child_end, CODE_FAILED)) {
        char *reason = why(&child, &child_end);
        say("run: %s; what was done by then is kept", reason);
        free(reason);
    }
    if (file_copy(console, boot->console) < 0 && errno != ENOENT && !end->failure)
        end->failure = text("cannot keep the console: %s", strerror(errno));
    qemu_command_free(&command);
    free(console);
    free(memory);
}

void qemu_boot(const struct boot *boot, struct boot_end *end)
{
    char *program = program_find(QEMU_PROGRAM);
    struct shared shared;

    *end = (struct boot_end){0};
    if (shared_make(boot, &shared) < 0)
        end->failure = text("no memory for the machine: %s", strerror(errno));
    else if (qemu_stage(boot, shared.size) < 0)
        end->failure = text("cannot prepare the boot: %s", strerror(errno));
    else
        run(boot, &shared, program, end);
    if (!end->signal_number)
        end->emulator = version_of(program, boot->scratch);
    shared_free(&shared);
    free(program);
}
