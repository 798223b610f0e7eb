/* SPDX-License-Identifier: MIT */
#include "worker.h"

#include "child.h"
#include "exit_code.h"
#include "files.h"
#include "interrupt.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void redirect(int to, const char *path, int flags)
{
    int file = open(path, flags, 0666);
    if (file < 0 || dup2(file, to) < 0)
        _exit(CODE_FAILED);
    close(file);
}

/* A signal of the terminal's reaches us alone, and a worker once, from us: two would kill it. */
__attribute__((noreturn)) static void become(const struct worker *worker, pid_t parent,
                                             int (*work)(void *context), void *context)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(CODE_FAILED);
    redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
    redirect(STDOUT_FILENO, worker->output, O_WRONLY | O_CREAT | O_TRUNC);
    redirect(STDERR_FILENO, worker->message, O_WRONLY | O_CREAT | O_TRUNC);
    int code = work(context);
    fflush(NULL);
    _exit(code);
}

int worker_start(struct worker *worker, const char *path, int (*work)(void *context), void *context)
{
    pid_t parent = getpid();

    *worker = (struct worker){.output = text("%s.out", path), .message = text("%s.err", path)};
    fflush(NULL); /* or it would be written twice */
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid == 0)
        become(worker, parent, work, context);
    worker->pid = pid;
    return 0;
}

static bool reap(struct worker *worker, int flags)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(worker->pid, &status, flags)) < 0 && errno == EINTR)
        continue;
    if (pid == worker->pid) {
        worker->ended = true;
        worker->code = WIFEXITED(status) ? WEXITSTATUS(status) : CODE_FAILED;
        kill(-worker->pid, SIGKILL); /* its group: nothing, if it ended as it should */
    }
    return worker->ended;
}

bool worker_ended(struct worker *worker)
{
    return worker->ended || !worker->pid || reap(worker, WNOHANG);
}

void worker_wait(unsigned milliseconds)
{
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000L}, NULL);
}

void worker_ask(struct worker *worker)
{
    if (!worker_ended(worker))
        kill(worker->pid, interrupt_signal() ? interrupt_signal() : SIGTERM);
}

void worker_stop(struct worker *worker)
{
    double deadline = monotonic_seconds() + WORKER_GRACE;
    while (!worker_ended(worker) && monotonic_seconds() < deadline)
        worker_wait(10);
    if (worker_ended(worker))
        return;
    kill(worker->pid, SIGKILL);
    reap(worker, 0);
}

static void copy_to(FILE *to, const char *path)
{
    struct bytes bytes;
    if (bytes_map(path, &bytes) < 0)
        return;
    fwrite(bytes.data, 1, bytes.size, to);
    fflush(to);
    bytes_unmap(&bytes);
}

void worker_show(const struct worker *worker)
{
    if (!worker->output)
        return;
    copy_to(stdout, worker->output);
    copy_to(stderr, worker->message);
}

void worker_free(struct worker *worker)
{
    free(worker->output);
    free(worker->message);
    *worker = (struct worker){0};
}
