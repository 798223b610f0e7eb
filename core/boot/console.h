/* SPDX-License-Identifier: MIT */
/* Where the image's text goes: COM1, the parallel port, or both. */
#ifndef EXITMETER_CORE_BOOT_CONSOLE_H
#define EXITMETER_CORE_BOOT_CONSOLE_H

#include <stdbool.h>

/* Both until told otherwise: whoever listens hears early errors. */
void console_start(void);
void console_choose(bool parallel, bool serial);

/* One character, whoever else writes; platform_log() keeps what it is given in one piece. */
void console_put(char c);

#endif
