/* SPDX-License-Identifier: MIT */
/* The image's ways out. */
#ifndef EXITMETER_CORE_BOOT_FINISH_H
#define EXITMETER_CORE_BOOT_FINISH_H

#include <stdbool.h>

/* Whether finish() raises Bochs's magic breakpoint, at which its debugger takes the results. */
void finish_with_magic_break(bool wanted);

/* Whether the exit code leaves by QEMU's isa-debug-exit (debug_exit.h). */
void finish_with_debug_exit(bool wanted);

/* Whether the machine is left on, so that the screen can be read. */
void finish_with_halt(bool wanted);

/* Says how the run ended, lets the results be taken, and switches the machine off. */
_Noreturn void finish(const char *outcome, const char *reason);

/* finish() as failed, after image_failed(). May be called at any time. */
_Noreturn void boot_fail(const char *reason);

/* finish(), as what the machine lacks keeps the image from its work; advice: what to do about it.
 */
_Noreturn void finish_unavailable(const char *reason, const char *advice);

#endif
