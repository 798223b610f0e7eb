/* SPDX-License-Identifier: MIT */
#include "framebuffer.h"

#include "window.h"

#include <string.h>

static struct boot_screen screen; /* has passed boot_information_read() */
static uint8_t *pixels;
static uint32_t scale, bytes_each, white;

static uint32_t all_of(struct boot_color color)
{
    return (uint32_t)((1ull << color.size) - 1) << color.position;
}

void framebuffer_start(const struct boot_screen *from, unsigned *rows, unsigned *columns)
{
    uint32_t across = from->width / (GLYPH_WIDTH * *columns);
    uint32_t down = from->height / (GLYPH_HEIGHT * BOOT_TEXT_ROWS);

    screen = *from;
    scale = across < down ? across : down;
    scale = scale ? scale : 1;
    bytes_each = (screen.bits + 7u) / 8;
    white = all_of(screen.red) | all_of(screen.green) | all_of(screen.blue);
    pixels = window_map(screen.address, (uint64_t)screen.pitch * screen.height);
    for (uint32_t y = 0; y < screen.height; y++)
        memset(pixels + (uint64_t)y * screen.pitch, 0, (size_t)screen.width * bytes_each);
    if (screen.height / (GLYPH_HEIGHT * scale) < *rows)
        *rows = screen.height / (GLYPH_HEIGHT * scale);
    if (screen.width / (GLYPH_WIDTH * scale) < *columns)
        *columns = screen.width / (GLYPH_WIDTH * scale);
}

void framebuffer_draw(unsigned row, unsigned column, char c)
{
    const uint8_t *glyph = framebuffer_font + (unsigned char)c % GLYPHS * GLYPH_HEIGHT;
    uint8_t *corner = pixels + (uint64_t)row * GLYPH_HEIGHT * scale * screen.pitch +
                      (uint64_t)column * GLYPH_WIDTH * scale * bytes_each;

    for (uint32_t y = 0; y < GLYPH_HEIGHT * scale; y++) {
        uint8_t *at = corner + (uint64_t)y * screen.pitch;
        for (uint32_t x = 0; x < GLYPH_WIDTH * scale; x++, at += bytes_each) {
            uint32_t color = glyph[y / scale] & 0x80 >> x / scale ? white : 0;
            memcpy(at, &color, bytes_each);
        }
    }
}
