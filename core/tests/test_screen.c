/* SPDX-License-Identifier: MIT */
/* The screen, of either kind: what is written where, and nothing beside it. */
#include "tests.h"

#include "../boot/framebuffer.h"
#include "../boot/screen.h"

#include <stdio.h>
#include <string.h>

#define WIDTH  652u /* not a multiple of a character's */
#define HEIGHT 421u /* 26 rows, and a bit */
#define GUARD  64u

static uint8_t memory[2 * GUARD + (4 * 1400 + 12) * 900];
static uint16_t vga[GUARD + 25 * 80 + GUARD];

static struct boot_screen pixels(uint32_t width, uint32_t height, uint8_t bits)
{
    memset(memory, 0xa5, sizeof(memory));
    return (struct boot_screen){
        .kind = BOOT_SCREEN_PIXELS,
        .address = (uintptr_t)memory + GUARD,
        .pitch = width * ((bits + 7u) / 8) + 12,
        .width = width,
        .height = height,
        .bits = bits,
        .red = {bits == 16 ? 11 : 16, bits == 16 ? 5 : 8},
        .green = {bits == 16 ? 5 : 8, bits == 16 ? 6 : 8},
        .blue = {0, bits == 16 ? 5 : 8},
    };
}

/* Whether the pixel is lit; it must be all white or all black. */
static bool lit(const struct boot_screen *screen, uint32_t x, uint32_t y)
{
    uint32_t bytes = (screen->bits + 7u) / 8, value = 0;
    memcpy(&value, memory + GUARD + (size_t)y * screen->pitch + (size_t)x * bytes, bytes);
    uint32_t white = bytes == 2 ? 0xffff : 0xffffff;
    assert_true(value == 0 || value == white);
    return value != 0;
}

/* Bytes that are no pixel are as they were. */
static void beside_is_untouched(const struct boot_screen *screen)
{
    uint32_t row = screen->width * ((screen->bits + 7u) / 8);
    for (uint32_t i = 0; i < GUARD; i++) {
        assert_int_equal(memory[i], 0xa5);
        assert_int_equal(memory[GUARD + (size_t)screen->height * screen->pitch + i], 0xa5);
    }
    for (uint32_t y = 0; y < screen->height; y++)
        for (uint32_t i = row; i < screen->pitch; i++)
            assert_int_equal(memory[GUARD + (size_t)y * screen->pitch + i], 0xa5);
}

/* The simulated font: each line of a glyph is its character. */
static void shows(const struct boot_screen *screen, uint32_t scale, unsigned row, unsigned column,
                  char c)
{
    for (uint32_t y = 0; y < GLYPH_HEIGHT * scale; y++)
        for (uint32_t x = 0; x < GLYPH_WIDTH * scale; x++)
            assert_int_equal(
                lit(screen, column * GLYPH_WIDTH * scale + x, row * GLYPH_HEIGHT * scale + y),
                c >> (7 - x / scale) & 1);
}

static void glyphs(void **state)
{
    static const uint8_t depths[] = {16, 24, 32};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(depths); i++) {
        struct boot_screen screen = pixels(WIDTH, HEIGHT, depths[i]);
        screen_start(&screen);
        assert_int_equal(screen_columns(), 80);
        assert_int_equal(screen_rows(), 26);
        screen_show(0, "AB");
        screen_show(25, "z");
        screen_show(26, "no such row");
        shows(&screen, 1, 0, 0, 'A');
        shows(&screen, 1, 0, 1, 'B');
        shows(&screen, 1, 0, 2, ' ');
        shows(&screen, 1, 25, 0, 'z');
        beside_is_untouched(&screen);
    }
}

static void a_large_screen(void **state)
{
    struct boot_screen screen = pixels(1400, 900, 32);
    (void)state;
    screen_start(&screen);
    assert_int_equal(screen_columns(), 80);
    assert_int_equal(screen_rows(), 28);
    screen_show(27, "Q");
    shows(&screen, 2, 27, 0, 'Q');
    beside_is_untouched(&screen);
}

static void a_tiny_screen(void **state)
{
    struct boot_screen screen = pixels(7, 15, 32);
    (void)state;
    screen_start(&screen);
    assert_int_equal(screen_columns(), 0);
    screen_show(0, "x");
    screen_put('x');
    beside_is_untouched(&screen);
}

static struct boot_screen text_screen(void)
{
    memset(vga, 0xa5, sizeof(vga));
    return (struct boot_screen){.kind = BOOT_SCREEN_TEXT,
                                .address = (uintptr_t)(vga + GUARD),
                                .pitch = 160,
                                .width = 80,
                                .height = 25};
}

static void row_is(unsigned row, const char *text)
{
    char is[81] = "";
    for (unsigned i = 0; i < 80; i++) {
        assert_int_equal(vga[GUARD + row * 80 + i] >> 8, 0x07);
        is[i] = (char)vga[GUARD + row * 80 + i];
    }
    for (unsigned i = 80; i > 0 && is[i - 1] == ' '; i--)
        is[i - 1] = '\0';
    assert_string_equal(is, text);
}

static void put_text(const char *text)
{
    while (*text)
        screen_put(*text++);
}

static void a_log_that_scrolls(void **state)
{
    struct boot_screen screen = text_screen();
    char line[32];
    (void)state;
    screen_start(&screen);
    screen_show(24, "the last row");
    for (int i = 0; i < 30; i++) {
        snprintf(line, sizeof(line), "line %d\n", i);
        put_text(line);
    }
    row_is(0, "line 7");
    row_is(22, "line 29");
    row_is(23, "");
    row_is(24, "the last row");
    put_text("\x01\xc3");
    row_is(23, "??");
    for (int i = 0; i < 79; i++)
        screen_put('w');
    row_is(23, "w"); /* 81 characters: one goes to the next row */
    screen_end_log();
    put_text("unseen");
    row_is(23, "w");
    screen_show(3, "a row of more than eighty characters is cut off, whatever it is that it was "
                   "to say to us");
    row_is(3, "a row of more than eighty characters is cut off, whatever it is that it was to s");
    for (unsigned i = 0; i < GUARD; i++) {
        assert_int_equal(vga[i], 0xa5a5);
        assert_int_equal(vga[GUARD + 25 * 80 + i], 0xa5a5);
    }
}

static void no_screen(void **state)
{
    const struct boot_screen none = {0};
    (void)state;
    screen_start(&none);
    assert_int_equal(screen_rows(), 0);
    screen_show(0, "x");
    put_text("x\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        simulated_test(glyphs),        simulated_test(a_large_screen),
        simulated_test(a_tiny_screen), simulated_test(a_log_that_scrolls),
        simulated_test(no_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
