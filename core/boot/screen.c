/* SPDX-License-Identifier: MIT */
#include "screen.h"

#include "framebuffer.h"

#include <string.h>

#define VGA_GREY_ON_BLACK 0x0700u

static enum boot_screen_kind kind;
static unsigned rows, columns, log_row, log_column;
static bool log_ended;
static uint16_t *vga;
static uint32_t vga_pitch;
static char cells[SCREEN_ROWS_MAX][SCREEN_COLUMNS_MAX]; /* as they are shown */

static void draw(unsigned row, unsigned column, char c)
{
    c = (char)(c >= ' ' && c <= '~' ? c : '?');
    if (cells[row][column] == c)
        return;
    cells[row][column] = c;
    if (kind == BOOT_SCREEN_TEXT)
        *(volatile uint16_t *)((uint8_t *)vga + row * vga_pitch + column * sizeof(*vga)) =
            (uint16_t)(VGA_GREY_ON_BLACK | (uint8_t)c);
    else
        framebuffer_draw(row, column, c);
}

void screen_start(const struct boot_screen *screen)
{
    kind = screen->kind;
    rows = kind == BOOT_SCREEN_NONE ? 0 : SCREEN_ROWS_MAX;
    columns = kind == BOOT_SCREEN_NONE ? 0 : SCREEN_COLUMNS_MAX;
    log_row = log_column = 0;
    log_ended = false;
    if (kind == BOOT_SCREEN_TEXT) {
        vga = (uint16_t *)screen->address;
        vga_pitch = screen->pitch;
        rows = screen->height < rows ? screen->height : rows;
        columns = screen->width < columns ? screen->width : columns;
    } else if (kind == BOOT_SCREEN_PIXELS) {
        framebuffer_start(screen, &rows, &columns);
    }
    memset(cells, 0, sizeof(cells)); /* not known: each is drawn */
    for (unsigned row = 0; row < rows; row++)
        screen_show(row, "");
}

unsigned screen_rows(void)
{
    return rows;
}

unsigned screen_columns(void)
{
    return columns;
}

void screen_show(unsigned row, const char *text)
{
    for (unsigned column = 0; row < rows && column < columns; column++)
        draw(row, column, (char)(*text ? *text++ : ' '));
}

static void scroll(void)
{
    for (unsigned row = 0; row + 2 < rows; row++)
        for (unsigned column = 0; column < columns; column++)
            draw(row, column, cells[row + 1][column]);
    screen_show(rows - 2, "");
}

void screen_end_log(void)
{
    log_ended = true;
}

void screen_put(char c)
{
    if (log_ended || rows < 2 || !columns)
        return;
    if (c == '\n' || log_column == columns) {
        log_column = 0;
        if (++log_row == rows - 1) {
            log_row--;
            scroll();
        }
    }
    if (c != '\n')
        draw(log_row, log_column++, c);
}
