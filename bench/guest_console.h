/* SPDX-License-Identifier: MIT */
/*
 * What a guest writes to its console, passed on to ours as it comes, and searched for a text.
 */
#ifndef EXITMETER_BENCH_GUEST_CONSOLE_H
#define EXITMETER_BENCH_GUEST_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define GUEST_CONSOLE_UNTIL_MAX 1024u

struct guest_console {
    const char *path;  /* of the file that the machine writes; need not exist yet */
    const char *until; /* at most GUEST_CONSOLE_UNTIL_MAX bytes, not empty; NULL: none */
    FILE *to;          /* where it is passed on to; NULL: nowhere */
    bool seen;         /* until has appeared */

    FILE *file;
    size_t kept;
    char tail[GUEST_CONSOLE_UNTIL_MAX]; /* the last bytes, fewer than until has */
};

/* Passes on what has come since. */
void guest_console_read(struct guest_console *console);

void guest_console_close(struct guest_console *console);

#endif
