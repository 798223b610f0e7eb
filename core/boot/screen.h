/* SPDX-License-Identifier: MIT */
/* The screen as rows of text, whichever kind the loader found; nothing where it found none. */
#ifndef EXITMETER_CORE_BOOT_SCREEN_H
#define EXITMETER_CORE_BOOT_SCREEN_H

#include "multiboot2.h"

#define SCREEN_ROWS_MAX    50u
#define SCREEN_COLUMNS_MAX 80u

void screen_start(const struct boot_screen *screen);

/* 0 if there is none. */
unsigned screen_rows(void);
unsigned screen_columns(void);

/* Replaces a row, which need not be on the screen; what is too long is cut off. */
void screen_show(unsigned row, const char *text);

/* From now on what screen_put() is given is not shown. */
void screen_end_log(void);

/* Text that goes on where the last left off, and scrolls, on all rows but the last. */
void screen_put(char c);

#endif
