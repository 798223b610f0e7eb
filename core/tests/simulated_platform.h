/* SPDX-License-Identifier: MIT */
/*
 * The services of platform.h for hosted tests. A physical address is never a usable pointer here,
 * so code that mistakes one for the other crashes.
 */
#ifndef EXITMETER_CORE_TESTS_SIMULATED_PLATFORM_H
#define EXITMETER_CORE_TESTS_SIMULATED_PLATFORM_H

#include "../platform.h"

#include <stdbool.h>

/* What the host is asked for, and its own interrupts. */
extern struct simulated_host {
    int takes;      /* what platform_take_interrupt() returns, once; 0: -1 */
    uint8_t vector; /* of the host's interrupts; 0: it asks for none */
    bool apic_is_guests;
    unsigned anew;   /* times that it was to be so from a clean state */
    unsigned ended;  /* platform_end_of_interrupt() */
    uint64_t timer;  /* as platform_timer() was asked last ... */
    unsigned timers; /* ... and how often */
    uint64_t kicked; /* CPUs, a bit each */
    unsigned kicks;
} simulated_host;

/* Frees what a failed test left, empties the log, and allocations succeed again. */
void simulated_platform_reset(void);

/* The n-th platform_pages_allocate() from now returns NULL, once; 0: none does. */
void simulated_pages_fail(unsigned n);

/* Calls of platform_pages_allocate() since the reset, and allocations not given back. */
unsigned simulated_pages_calls(void);
size_t simulated_pages_held(void);

/* Whether the physical address lies in memory that is allocated. */
bool simulated_is_allocated(uint64_t physical);

/* So many more NMIs have come outside of guests. */
void simulated_nmis_come(uint32_t more);

/* What platform_nmi() returns, and what platform_nmi_waits() does, once. */
void simulated_nmi_set(bool is_hosts, bool waits);

/* All that was logged since the reset. */
const char *simulated_log(void);
bool simulated_log_has(const char *text);
void simulated_log_clear(void);

#endif
