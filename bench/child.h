/* SPDX-License-Identifier: MIT */
/*
 * Runs one program to its end on a terminal of its own (Bochs wants one), and never lets it outlive
 * us: it leads its own session, dies with us, and whatever is left of its process group is killed
 * when the program ends, takes too long, or we are interrupted.
 */
#ifndef EXITMETER_BENCH_CHILD_H
#define EXITMETER_BENCH_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct child {
    const char *const *argv; /* argv[0] is the path of the program; ends with NULL */
    const char *directory;   /* to run in */
    double timeout;          /* seconds of wall clock */
    /* Called about every 50 ms and once after the end; a reason to kill the program, else NULL. */
    const char *(*watch)(void *context);
    /*
     * Asks the program to end in good order, where it is to be ended; true if it was asked, and it
     * then has CHILD_GRACE seconds before it is killed. NULL: it is killed at once.
     */
    bool (*ask)(void *context, pid_t pid);
    void *context;
};

#define CHILD_GRACE 20.0

enum child_how {
    CHILD_EXITED,      /* code: exit status; 127 if the program could not be executed */
    CHILD_KILLED,      /* code: signal, not sent by us */
    CHILD_TIMED_OUT,   /* after child.timeout */
    CHILD_STOPPED,     /* watch gave a reason */
    CHILD_INTERRUPTED, /* code: the signal that we got */
    CHILD_NOT_STARTED, /* no process or terminal to be had; code: errno */
};

#define CHILD_OUTPUT_MAX 2048u

struct child_end {
    enum child_how how;
    int code;
    const char *reason;            /* what watch gave; with CHILD_STOPPED only */
    bool was_asked;                /* to end, by child.ask, ... */
    enum child_how asked;          /* ... and why: what how would else have been */
    const char *asked_reason;      /* with CHILD_STOPPED only */
    char output[CHILD_OUTPUT_MAX]; /* the last that it wrote to its terminal, printable */
};

void child_run(const struct child *child, struct child_end *end);

/* Seconds on a clock that only goes forward, as timeout counts them. */
double monotonic_seconds(void);

/* How it ended, in words; free() it. */
char *child_end_text(const struct child *child, const struct child_end *end);

#endif
