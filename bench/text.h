/* SPDX-License-Identifier: MIT */
/*
 * Strings, memory and messages of the harness. Memory comes from the C heap; running out of it
 * ends the program, so callers need not check.
 */
#ifndef EXITMETER_BENCH_TEXT_H
#define EXITMETER_BENCH_TEXT_H

#include <stddef.h>

/* count zeroed elements of size bytes; free() them. */
void *zeroed(size_t count, size_t size);

/* A formatted string; free() it. */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "exitmeter: MESSAGE" on stderr, with a line feed; clears a progress line first. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Shows one line on stderr that the next progress() or say() replaces; nothing unless stderr is a
 * terminal. */
void progress(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Takes the line of progress() away. */
void progress_end(void);

/* Makes bytes from outside printable in place: anything but printable ASCII becomes '?'. */
char *printable(char *string);

#endif
