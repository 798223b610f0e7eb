/* SPDX-License-Identifier: MIT */
/* Handing over the results, and switching the machine off. */
#ifndef EXITMETER_CORE_BOOT_POWER_H
#define EXITMETER_CORE_BOOT_POWER_H

#include "multiboot2.h"

#include <stdint.h>

/* XCHG BX,BX: Bochs's magic breakpoint, at which its debugger takes the results out of memory. */
void power_magic_break(void);

/* Learns how this machine is switched off, while what the firmware says of it is still there. */
void power_know(const struct boot_information *information);

/* Ends QEMU by its isa-debug-exit (debug_exit.h); returns where there is none. */
void power_debug_exit(uint8_t code);

/* Tries what Bochs listens to, ACPI, and what QEMU listens to, then halts for good. */
_Noreturn void power_off(void);

/* Stops this CPU and leaves the machine on. */
_Noreturn void power_halt(void);

#endif
