/* SPDX-License-Identifier: MIT */
/*
 * Counting and detail hooks for code on the exit path. The handlers are compiled three times. With
 * neither macro these expand to nothing, so at the levels "off" and "stamps" runs code that has
 * never heard of them. PROBE_COUNTING is the level "full": counts of this exit, for its record.
 * PROBE_TOTALLING is the level "counts": sums that nobody resets, and no record.
 */
#ifndef EXITMETER_PROBES_COUNT_H
#define EXITMETER_PROBES_COUNT_H

#include "probe_cpu.h"

#if defined(PROBE_TOTALLING)

/* One instruction each: a compiler that may join them makes more of them. */
#define PROBE_COUNT(counter) \
    __asm__ volatile("incq %%gs:%c0" : : "i"(offsetof(struct probe_cpu, totals.counter)) : "cc")
#define PROBE_DETAIL(value) ((void)0)
#define PROBE_RIP(value)    ((void)0)

#elif !defined(PROBE_COUNTING)

#define PROBE_COUNT(counter) ((void)0)
#define PROBE_DETAIL(value)  ((void)0)
#define PROBE_RIP(value)     ((void)0)

#elif defined(EXITMETER_SIMULATED)

extern struct probe_cpu simulated_probe_cpu;
#define PROBE_COUNT(counter) ((void)simulated_probe_cpu.counts.counter++)
#define PROBE_DETAIL(value)  ((void)(simulated_probe_cpu.next->detail = (value)))
#define PROBE_RIP(value)     ((void)(simulated_probe_cpu.next->rip = (value)))

#else

#define PROBE_THIS_CPU       ((__seg_gs struct probe_cpu *)0)
#define PROBE_COUNT(counter) ((void)PROBE_THIS_CPU->counts.counter++)
#define PROBE_DETAIL(value)  ((void)(PROBE_THIS_CPU->next->detail = (value)))
#define PROBE_RIP(value)     ((void)(PROBE_THIS_CPU->next->rip = (value)))

#endif
#endif
