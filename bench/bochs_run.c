/* SPDX-License-Identifier: MIT */
#include "bochs_run.h"

#include "follow.h"
#include "guest_console.h"
#include "places.h"
#include "run_progress.h"
#include "text.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PANIC_MARK     ">>PANIC<< "
#define STATE_LINES    40u
#define HALTED_SECONDS 2.0 /* without a word of the core after a HLT with interrupts off */
#define UNTIL_SEEN     "the text has appeared"

char *bochs_child(const struct child *child, struct boot_end *end, struct child_end *child_end)
{
    child_run(child, child_end);
    if (child_end->how == CHILD_INTERRUPTED)
        end->signal_number = child_end->code;
    if (child_end->how == CHILD_EXITED && child_end->code == 0)
        return NULL;
    return child_end_text(child, child_end);
}

/* What is watched while Bochs runs. */
struct watch {
    struct follow console, log;
    struct guest_console guest; /* path NULL: there is none */
    bool started;               /* the guest runs */
    double halted; /* when a HLT with interrupts off was last logged; 0 once the core has gone on */
};

static const char *watch(void *context)
{
    struct watch *watch = context;
    const char *line;
    if (watch->guest.path)
        guest_console_read(&watch->guest);
    while ((line = follow_line(&watch->console))) {
        watch->halted = 0;
        run_progress_note(line);
        watch->started |= watch->guest.path && strncmp(line, "machine: ", 9) == 0;
    }
    if (!watch->guest.path)
        run_progress_show();
    if (watch->guest.seen)
        return UNTIL_SEEN;
    /* Bochs says so of a guest's HLT too, before it exits: only silence afterwards is a halt. */
    while ((line = follow_line(&watch->log)))
        if (!watch->started && strstr(line, "HLT instruction with IF=0") && strstr(line, "[CPU0"))
            watch->halted = monotonic_seconds();
    if (watch->halted && monotonic_seconds() - watch->halted > HALTED_SECONDS)
        return "the CPU halted with interrupts off";
    return NULL;
}

/* Brings Bochs's debugger back, whose commands ask the core to end the run. */
static bool ask(void *context, pid_t bochs)
{
    const struct watch *watch = context;
    return watch->started && kill(bochs, SIGINT) == 0;
}

static enum boot_asked asked_by(const struct child_end *end)
{
    if (!end->was_asked)
        return BOOT_NOT_ASKED;
    return end->asked == CHILD_INTERRUPTED ? BOOT_ASKED_SIGNAL
           : end->asked == CHILD_TIMED_OUT ? BOOT_ASKED_TIME
                                           : BOOT_ASKED_UNTIL;
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

void bochs_run(const struct boot *boot, const struct bochs_files *files, struct boot_end *end)
{
    struct child_end child_end;
    char *bochs = program_find("bochs");
    const char *const argv[] = {bochs, "-q", "-f", "bochsrc", "-rc", "commands", NULL};
    struct watch watched = {.console = {.path = files->console}, .log = {.path = files->log}};
    const struct child child = {.argv = argv,
                                .directory = boot->scratch,
                                .timeout = boot->timeout,
                                .watch = watch,
                                .ask = boot->guest ? ask : NULL,
                                .context = &watched};
    struct stat status;

    if (boot->guest)
        watched.guest =
            (struct guest_console){.path = files->com1, .until = boot->guest->until, .to = stdout};
    double begun = monotonic_seconds();
    char *failure = bochs_child(&child, end, &child_end);
    end->seconds = monotonic_seconds() - begun;
    end->asked = asked_by(&child_end);
    end->until_seen = watched.guest.seen;
    guest_console_close(&watched.guest);
    follow_close(&watched.console);
    follow_close(&watched.log);
    free(bochs);
    bool written = stat(files->results, &status) == 0;
    if (!failure && !written)
        failure = text("Bochs ended without writing the results");
    /* Rarely it crashes as it quits, which is the last of its commands: the file is closed then. */
    if (failure && child_end.how == CHILD_KILLED && written &&
        (uint64_t)status.st_size == boot->results_size) {
        progress("%s, as it quit; its results are whole", failure);
        free(failure);
        failure = NULL;
    }
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
