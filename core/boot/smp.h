/* SPDX-License-Identifier: MIT */
/*
 * The other CPUs: started by INIT-SIPI-SIPI (SDM Vol. 3A 9.4.4), and given functions to run.
 *
 * A CPU without work stands in HLT with interrupts on, and a kick wakes it: it burns nothing, on
 * Bochs in particular no turns of the other's, and unlike MWAIT every CPU has it. One that waits
 * for another does the same. HLT with interrupts off, which Bochs's log takes for a machine that
 * has died, is nowhere in here but for a CPU that came uncalled.
 */
#ifndef EXITMETER_CORE_BOOT_SMP_H
#define EXITMETER_CORE_BOOT_SMP_H

#include "multiboot2.h"

typedef void smp_function(void *argument);

/*
 * Starts the others, as far as there are, up to most CPUs with this one: those that the MADT lists,
 * else whoever answers a broadcast. How many there are then, numbered from 0; 1 if there is one, or
 * no memory, or none below 1 MiB for the trampoline. After memory_start(), on the CPU that booted,
 * once.
 */
uint32_t smp_start(const struct boot_information *information, uint32_t most);

/*
 * Has a CPU that is started run function(argument), once it is done with what it was given before;
 * does not wait for the end. On this CPU: runs it at once. One CPU at a time gives work to another,
 * or waits for it. Interrupts are off while it runs.
 */
void smp_call(uint32_t cpu, smp_function *function, void *argument);

/* Returns once that CPU has done what it was given, and all that it has written can be read. */
void smp_wait(uint32_t cpu);

#endif
