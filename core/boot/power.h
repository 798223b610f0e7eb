/* SPDX-License-Identifier: MIT */
/* Handing over the results, and switching the machine off. */
#ifndef EXITMETER_CORE_BOOT_POWER_H
#define EXITMETER_CORE_BOOT_POWER_H

#include <stdint.h>

/* XCHG BX,BX: Bochs's magic breakpoint, at which its debugger takes the results out of memory. */
void power_magic_break(void);

/* Ends QEMU by its isa-debug-exit (debug_exit.h); returns where there is none. */
void power_debug_exit(uint8_t code);

/* Tries what Bochs and QEMU listen to, then halts for good. */
_Noreturn void power_off(void);

/* Stops this CPU and leaves the machine on. */
_Noreturn void power_halt(void);

#endif
