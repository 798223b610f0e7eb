/* SPDX-License-Identifier: MIT */
#include "child.h"

#include "interrupt.h"
#include "text.h"

#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define POLL_MILLISECONDS 50
#define CODE_NOT_STARTED  127 /* as the shell has it */

double monotonic_seconds(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* In the new process, which leads a new session on the terminal (forkpty did that). */
__attribute__((noreturn)) static void become(const struct child *child, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL); /* being ignored would survive the exec */
    signal(SIGXFSZ, SIG_DFL);
    if (getppid() != parent) /* it was gone before it could matter */
        _exit(CODE_NOT_STARTED);
    setenv("TERM", "vt100", 1);
    if (chdir(child->directory) == 0)
        execv(child->argv[0], (char *const *)(size_t)child->argv);
    dprintf(STDERR_FILENO, "%s: %s\n", child->argv[0], strerror(errno)); /* into end->output */
    _exit(CODE_NOT_STARTED);
}

static void keep_tail(struct child_end *end, const char *data, size_t size)
{
    size_t room = sizeof(end->output) - 1, length = strlen(end->output);
    for (size_t i = 0; i < size; i++)
        if (data[i] == '\n' || (data[i] >= ' ' && data[i] <= '~')) {
            if (length == room)
                memmove(end->output, end->output + 1, --length);
            end->output[length++] = data[i];
        }
    end->output[length] = '\0';
}

/* Reads what is there, waiting up to POLL_MILLISECONDS for it; false once the terminal is gone. */
static bool drain(int terminal, struct child_end *end)
{
    char buffer[512];
    struct pollfd waiting = {.fd = terminal, .events = POLLIN};
    if (poll(&waiting, 1, POLL_MILLISECONDS) <= 0)
        return true;
    ssize_t got = read(terminal, buffer, sizeof(buffer));
    if (got <= 0) /* EIO: every process on it has closed it */
        return got < 0 && (errno == EINTR || errno == EAGAIN);
    keep_tail(end, buffer, (size_t)got);
    return true;
}

/* Whether there is a reason to end the program; fills in end if so. */
static bool must_end(const struct child *child, double deadline, struct child_end *end)
{
    int signal_number = interrupt_signal();
    if (signal_number) {
        end->how = CHILD_INTERRUPTED;
        end->code = signal_number;
    } else if (monotonic_seconds() > deadline) {
        end->how = CHILD_TIMED_OUT;
    } else if (child->watch && (end->reason = child->watch(child->context))) {
        end->how = CHILD_STOPPED;
    } else {
        return false;
    }
    return true;
}

/* It has been asked to end: how it does is still open. */
static void keep_asked(struct child_end *end)
{
    end->was_asked = true;
    end->asked = end->how;
    end->asked_reason = end->reason;
    end->how = CHILD_TIMED_OUT; /* unless it ends before */
}

static void ended(int status, struct child_end *end)
{
    end->how = WIFEXITED(status) ? CHILD_EXITED : CHILD_KILLED;
    end->code = WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status);
}

void child_run(const struct child *child, struct child_end *end)
{
    struct winsize size = {.ws_row = 26,
                           .ws_col = 100}; /* the least that Bochs's term display takes */
    int terminal, status;
    pid_t parent = getpid();
    double deadline = monotonic_seconds() + child->timeout;
    bool open = true;

    *end = (struct child_end){.how = CHILD_NOT_STARTED};
    pid_t pid = forkpty(&terminal, NULL, NULL, &size);
    if (pid < 0) {
        end->code = errno;
        return;
    }
    if (pid == 0)
        become(child, parent);

    for (;;) {
        if (waitpid(pid, &status, WNOHANG) == pid) {
            ended(status, end);
            kill(-pid, SIGKILL); /* what it started and left behind */
            break;
        }
        if (end->was_asked ? monotonic_seconds() > deadline : must_end(child, deadline, end)) {
            if (!end->was_asked && child->ask && child->ask(child->context, pid)) {
                keep_asked(end);
                deadline = monotonic_seconds() + CHILD_GRACE;
                continue;
            }
            kill(-pid, SIGKILL);
            waitpid(pid, &status, 0);
            break;
        }
        if (end->was_asked && child->watch)
            child->watch(child->context);
        if (open)
            open = drain(terminal, end);
        else /* it closed its terminal, or is about to be reaped */
            nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    for (int left = 0; open && left < 64 && end->how != CHILD_INTERRUPTED; left++)
        open = drain(terminal, end);
    close(terminal);
    if (child->watch && end->how != CHILD_INTERRUPTED)
        child->watch(child->context);
}

char *child_end_text(const struct child *child, const struct child_end *end)
{
    const char *name = strrchr(child->argv[0], '/');
    name = name ? name + 1 : child->argv[0];
    switch (end->how) {
    case CHILD_EXITED:
        return text("%s exited with status %d", name, end->code);
    case CHILD_KILLED:
        return text("%s was killed by signal %d (%s)", name, end->code, strsignal(end->code));
    case CHILD_TIMED_OUT:
        return text("%s did not end within %g s and was stopped", name, child->timeout);
    case CHILD_STOPPED:
        return text("%s was stopped: %s", name, end->reason);
    case CHILD_INTERRUPTED:
        return text("interrupted by signal %d (%s)", end->code, strsignal(end->code));
    case CHILD_NOT_STARTED:
        break;
    }
    return text("%s could not be started: %s", name, strerror(end->code));
}
