/* SPDX-License-Identifier: MIT */
#include "text.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static bool progress_shown;

static void out_of_memory(void)
{
    fputs("exitmeter: out of memory\n", stderr);
    abort();
}

void *zeroed(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        out_of_memory();
    return memory;
}

char *text(const char *format, ...)
{
    char *string;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&string, format, arguments) < 0)
        out_of_memory();
    va_end(arguments);
    return string;
}

void progress_end(void)
{
    if (progress_shown)
        fputs("\r\033[K", stderr);
    progress_shown = false;
}

void say(const char *format, ...)
{
    va_list arguments;
    progress_end();
    fputs("exitmeter: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

/* Columns of the terminal on stderr. */
static int columns(void)
{
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

void progress(const char *format, ...)
{
    va_list arguments;
    char *line;
    if (!isatty(STDERR_FILENO))
        return;
    progress_end();
    va_start(arguments, format);
    if (vasprintf(&line, format, arguments) < 0)
        out_of_memory();
    va_end(arguments);
    fprintf(stderr, "%.*s", columns() - 1, line); /* of one that wraps, half would stay */
    fflush(stderr);
    free(line);
    progress_shown = true;
}

char *printable(char *string)
{
    for (char *c = string; *c; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    return string;
}
