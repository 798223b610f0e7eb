/* SPDX-License-Identifier: MIT */
/* One CPU each: its descriptor tables, its interrupt controllers, and what GS points to. */
#ifndef EXITMETER_CORE_BOOT_CPU_H
#define EXITMETER_CORE_BOOT_CPU_H

#include "../../probes/probe_cpu.h"
#include "exception.h"

/* What GS points to in VMX root operation. */
struct cpu {
    struct probe_cpu probes; /* first: the exit path finds it at GS:0 */
    struct cpu *self;
    uint32_t number;
    uint32_t apic_id;
    struct exception_tables tables;
};

/* On the CPU that booted: every interrupt line masked, then as cpu_start_other(). */
void cpu_start(void);

/* The interrupt lines masked as firmware had them before cpu_start(): a guest's to take. */
void cpu_restore_lines(void);

/* On another, zeroed but for its number: tables loaded, the local APIC in x2APIC mode if it has
 * one. */
void cpu_start_other(struct cpu *cpu);

/* This CPU. */
static inline struct cpu *cpu_this(void)
{
    return ((__seg_gs struct cpu *)0)->self;
}

/* The probes of this CPU, where GS points. */
struct probe_cpu *cpu_probes(void);

#endif
