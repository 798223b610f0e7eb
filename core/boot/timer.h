/* SPDX-License-Identifier: MIT */
/*
 * The timer of this CPU's own local APIC, behind platform_timer(): in TSC-deadline mode where the
 * CPU has it, else in one-shot mode, its rate measured against the TSC once. Each CPU has its own.
 * It runs only while the local APIC is the host's (platform_apic_is_guests()).
 */
#ifndef EXITMETER_CORE_BOOT_TIMER_H
#define EXITMETER_CORE_BOOT_TIMER_H

#include <stdbool.h>
#include <stdint.h>

/* Its vector. */
#define TIMER_VECTOR 0xf0u

/*
 * Interrupts of the host's own besides, so many ticks of the TSC apart, as a host with work of its
 * own has them; 0: none.
 */
void timer_every(uint64_t ticks);

/* The local APIC is the host's: its timer is set up, or set up anew. */
void timer_start(void);

/* The local APIC becomes the guest's: its timer is stopped. */
void timer_stop(void);

/* The timer has interrupted, if it runs: what is asked for next. */
void timer_interrupt(void);

#endif
