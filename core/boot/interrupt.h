/* SPDX-License-Identifier: MIT */
/* The host's own interrupts: those of platform_kick(), and its timer's (timer.h). */
#ifndef EXITMETER_CORE_BOOT_INTERRUPT_H
#define EXITMETER_CORE_BOOT_INTERRUPT_H

/* The vector of platform_kick(), the host's own from interrupt_expect_kicks() on. */
#define KICK_VECTOR 0xf1u

/* From now on there is more than one CPU, and kicks are the host's. */
void interrupt_expect_kicks(void);

#endif
