/* SPDX-License-Identifier: MIT */
/* Characters drawn on a screen of pixels, as UEFI leaves one. */
#ifndef EXITMETER_CORE_BOOT_FRAMEBUFFER_H
#define EXITMETER_CORE_BOOT_FRAMEBUFFER_H

#include "multiboot2.h"

/* A pixel each is a pixel of the screen, or a square of them where it is large. */
#define GLYPH_WIDTH  8u
#define GLYPH_HEIGHT 16u
#define GLYPHS       128u

/* font.S: a byte a line, its highest bit left. */
extern const uint8_t framebuffer_font[GLYPHS * GLYPH_HEIGHT];

/* Clears it, and says how many characters it has, of at most so many. */
void framebuffer_start(const struct boot_screen *screen, unsigned *rows, unsigned *columns);

/* White on black. The place is on the screen. */
void framebuffer_draw(unsigned row, unsigned column, char c);

#endif
