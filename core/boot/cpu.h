/* SPDX-License-Identifier: MIT */
/* This CPU: its descriptor tables, its interrupt controllers, and what GS points to. */
#ifndef EXITMETER_CORE_BOOT_CPU_H
#define EXITMETER_CORE_BOOT_CPU_H

#include "../../probes/probe_cpu.h"

/* Tables loaded, every interrupt line masked, the local APIC in x2APIC mode if it has one. */
void cpu_start(void);

/* The probes of this CPU, where GS points. */
struct probe_cpu *cpu_probes(void);

#endif
