/* SPDX-License-Identifier: MIT */
#include "serial.h"

#include "../x86/instructions.h"

#define COM1              0x3f8
#define LINE_CONTROL      3
#define LINE_STATUS       5
#define DIVISOR_LATCH     0x80
#define EIGHT_BITS        0x03
#define RECEIVED          0x01
#define TRANSMITTER_EMPTY 0x20
#define NOTHING_THERE     0xff    /* what a port reads as that nobody has */
#define PATIENCE          1000000 /* reads of the line status, about a microsecond each */

static bool works;

void serial_start(void)
{
    x86_out8(COM1 + 1, 0); /* no interrupts */
    x86_out8(COM1 + LINE_CONTROL, DIVISOR_LATCH);
    x86_out8(COM1 + 0, 1); /* 115200 baud */
    x86_out8(COM1 + 1, 0);
    x86_out8(COM1 + LINE_CONTROL, EIGHT_BITS);
    works =
        x86_in8(COM1 + LINE_CONTROL) == EIGHT_BITS && x86_in8(COM1 + LINE_STATUS) != NOTHING_THERE;
}

bool serial_works(void)
{
    return works;
}

void serial_put(uint8_t byte)
{
    for (int i = 0; works; i++) {
        if (x86_in8(COM1 + LINE_STATUS) & TRANSMITTER_EMPTY) {
            x86_out8(COM1, byte);
            return;
        }
        works = i < PATIENCE;
    }
}

bool serial_get(uint8_t *byte)
{
    uint8_t status = works ? x86_in8(COM1 + LINE_STATUS) : 0;

    if (!(status & RECEIVED) || status == NOTHING_THERE)
        return false;
    *byte = x86_in8(COM1);
    return true;
}
