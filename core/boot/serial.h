/* SPDX-License-Identifier: MIT */
/* COM1, a 16550 at 0x3f8: 115200 baud, 8 bits, no parity, 1 stop bit; bytes as they are. */
#ifndef EXITMETER_CORE_BOOT_SERIAL_H
#define EXITMETER_CORE_BOOT_SERIAL_H

#include <stdbool.h>
#include <stdint.h>

#define SERIAL_BAUD 115200u

/* Sets it up, and finds out whether it is there. */
void serial_start(void);

/* Whether it is there, and has taken what it was given. */
bool serial_works(void);

/*
 * One byte. Waits while the line is busy; one that takes none for long is taken for dead, and no
 * other byte is waited for.
 */
void serial_put(uint8_t byte);

/* Whether a byte has come, which is taken. */
bool serial_get(uint8_t *byte);

#endif
