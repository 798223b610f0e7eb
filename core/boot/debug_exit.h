/* SPDX-License-Identifier: MIT */
/*
 * QEMU's isa-debug-exit, where whoever starts QEMU has put one: a byte written to its port ends
 * QEMU at once. The image says so its exit code, which is one of the harness'.
 */
#ifndef EXITMETER_CORE_BOOT_DEBUG_EXIT_H
#define EXITMETER_CORE_BOOT_DEBUG_EXIT_H

#define DEBUG_EXIT_PORT 0x501u

/* What is written, and the exit status that QEMU makes of it: none that QEMU has of its own. */
#define DEBUG_EXIT_VALUE(code)  (0x10u + (code))
#define DEBUG_EXIT_STATUS(code) (2u * DEBUG_EXIT_VALUE(code) + 1u)

#endif
