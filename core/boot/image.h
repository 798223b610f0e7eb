/* SPDX-License-Identifier: MIT */
/* What boot calls: whoever links an image on it provides these three. */
#ifndef EXITMETER_CORE_BOOT_IMAGE_H
#define EXITMETER_CORE_BOOT_IMAGE_H

#include "multiboot2.h"

/*
 * The image's work, on the CPU that booted, its tables set up and interrupts off. information stays
 * valid; no memory is handed out before memory_start(). Ends in finish() or boot_fail().
 */
_Noreturn void image_main(const struct boot_information *information);

/* The run has failed, at any point after boot_main() started: keep the reason. Must not fail. */
void image_failed(const char *reason);

/* The end, failed or not: whatever is to leave the machine leaves it now. Called in finish(). */
void image_deliver(void);

#endif
