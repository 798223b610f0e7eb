/* SPDX-License-Identifier: MIT */
#include "guest_console.h"

#include <string.h>

#define CHUNK 4096u

/* A text may come in pieces: the end of what came before is looked at again. */
static void search(struct guest_console *console, const char *data, size_t size)
{
    char both[GUEST_CONSOLE_UNTIL_MAX + CHUNK];
    size_t length = strlen(console->until), all = console->kept + size;

    memcpy(both, console->tail, console->kept);
    memcpy(both + console->kept, data, size);
    console->seen |= memmem(both, all, console->until, length) != NULL;
    console->kept = all < length - 1 ? all : length - 1;
    memcpy(console->tail, both + all - console->kept, console->kept);
}

void guest_console_read(struct guest_console *console)
{
    char data[CHUNK];
    size_t got;

    if (!console->file && !(console->file = fopen(console->path, "re")))
        return;
    clearerr(console->file); /* the end may have moved */
    while ((got = fread(data, 1, sizeof(data), console->file)) > 0) {
        if (console->to)
            fwrite(data, 1, got, console->to);
        if (console->until)
            search(console, data, got);
    }
    if (console->to)
        fflush(console->to);
}

void guest_console_close(struct guest_console *console)
{
    if (console->file)
        fclose(console->file);
    console->file = NULL;
}
