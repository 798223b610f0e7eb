/* SPDX-License-Identifier: MIT */
/* Waiting for a time that passes outside of the CPU. */
#ifndef EXITMETER_CORE_BOOT_DELAY_H
#define EXITMETER_CORE_BOOT_DELAY_H

#include <stdint.h>

/*
 * At least that long, by counter 2 of the 8254 timer; at most 50,000. On a machine whose timer
 * stands still, as long as a few reads of its port for each microsecond take. One CPU at a time.
 */
void delay_microseconds(uint32_t microseconds);

#endif
