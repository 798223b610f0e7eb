/* SPDX-License-Identifier: MIT */
/* Where the image's text goes: COM1, the parallel port, the screen. */
#ifndef EXITMETER_CORE_BOOT_CONSOLE_H
#define EXITMETER_CORE_BOOT_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

/* All until told otherwise: whoever listens hears early errors. */
void console_start(void);
void console_choose(bool parallel, bool serial, bool screen);

/* One character, whoever else writes; platform_log() keeps what it is given in one piece. */
void console_put(char c);

/* What has been written so far, up to so many bytes; whatever comes behind is not kept. At a
 * multiple of 8. */
#define CONSOLE_KEPT 65536u
const char *console_text(size_t *length);

#endif
