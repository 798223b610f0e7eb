/* SPDX-License-Identifier: MIT */
/*
 * A function in a process of its own, whose output is kept until it is to be shown. It never
 * outlives us: if we are killed, it is told to end, and what it has started ends with it.
 */
#ifndef EXITMETER_BENCH_WORKER_H
#define EXITMETER_BENCH_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

struct worker {
    pid_t pid; /* 0: it was not started */
    bool ended;
    int code;            /* what the function returned; CODE_FAILED if it was killed */
    int output, message; /* what holds its stdout and stderr; 0: nothing does */
};

/*
 * Runs work(context) in a new process; what it writes is kept in memory, so that a full disk does
 * not cost its words. interrupt_catch() has been called. Returns 0, or -1 with errno set.
 */
int worker_start(struct worker *worker, int (*work)(void *context), void *context);

/* Whether it has ended; then worker->code is set. */
bool worker_ended(struct worker *worker);

/* Waits a while, or until a signal comes. */
void worker_wait(unsigned milliseconds);

/* Tells it to end in good order, with the signal that we got. Nothing to one that has ended. */
void worker_ask(struct worker *worker);

/* Waits until it has ended; if that takes more than WORKER_GRACE seconds, it is killed. */
#define WORKER_GRACE 10.0
void worker_stop(struct worker *worker);

/* Its output on our stdout and stderr. */
void worker_show(const struct worker *worker);

void worker_free(struct worker *worker);

#endif
