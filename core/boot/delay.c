/* SPDX-License-Identifier: MIT */
#include "delay.h"

#include "../x86/instructions.h"

#define COUNTER_2      0x42
#define CONTROL        0x43
#define ONE_SHOT       0xb0 /* counter 2, low byte then high, mode 0, binary */
#define SPEAKER        0x61
#define SPEAKER_GATE   0x01 /* counter 2 counts */
#define SPEAKER_DATA   0x02 /* ... and is heard */
#define SPEAKER_OUTPUT 0x20 /* it has counted to the end */
#define FREQUENCY      1193182ull

#define READS_EACH 4u /* port reads for a microsecond at the very most */

void delay_microseconds(uint32_t microseconds)
{
    uint32_t count = (uint32_t)(microseconds * FREQUENCY / 1000000) + 1;
    uint8_t before = x86_in8(SPEAKER);

    x86_out8(SPEAKER, (uint8_t)((before & ~SPEAKER_DATA) | SPEAKER_GATE));
    x86_out8(CONTROL, ONE_SHOT);
    x86_out8(COUNTER_2, (uint8_t)count);
    x86_out8(COUNTER_2, (uint8_t)(count >> 8));
    for (uint32_t i = 0; i < microseconds * READS_EACH; i++)
        if (x86_in8(SPEAKER) & SPEAKER_OUTPUT)
            break;
    x86_out8(SPEAKER, before & (SPEAKER_GATE | SPEAKER_DATA));
}
