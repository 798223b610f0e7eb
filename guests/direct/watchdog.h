/* SPDX-License-Identifier: MIT */
/*
 * What cuts off a row that does not come back: the alarm of the real-time clock, one interrupt
 * after some seconds and none before, which the I/O APIC turns into an NMI. An NMI needs no row's
 * consent, and takes nothing of the local APIC, which rows measure.
 */
#ifndef EXITMETER_GUESTS_DIRECT_WATCHDOG_H
#define EXITMETER_GUESTS_DIRECT_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#define WATCHDOG_SECONDS_MOST 3000u /* the alarm knows no date */

/*
 * Finds out, in a second or two, whether an alarm arrives as an NMI on this machine. NULL if so,
 * else why not, in words.
 */
const char *watchdog_start(uint32_t apic_id);

/* An NMI in so many seconds, or up to one less. Nothing where watchdog_start() has failed. */
void watchdog_arm(uint32_t seconds);

/* No NMI from now on. */
void watchdog_disarm(void);

#endif
