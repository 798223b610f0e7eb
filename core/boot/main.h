/* SPDX-License-Identifier: MIT */
/* The image's way in and its ways out. */
#ifndef EXITMETER_CORE_BOOT_MAIN_H
#define EXITMETER_CORE_BOOT_MAIN_H

#include <stdint.h>

/* Called by start.S with the address of the multiboot2 boot information. Never returns. */
_Noreturn void boot_main(uint64_t boot_information);

/* Ends the run as failed: console, results header, power off. May be called at any time. */
_Noreturn void boot_fail(const char *reason);

#endif
