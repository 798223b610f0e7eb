/* SPDX-License-Identifier: MIT */
/* One stretch of physical memory that lies anywhere, a device's, where the image can reach it. */
#ifndef EXITMETER_CORE_BOOT_WINDOW_H
#define EXITMETER_CORE_BOOT_WINDOW_H

#include <stdint.h>

#define WINDOW_MOST 0x3fe00000ull /* bytes: a page directory, less where it may begin in a page */

/* Maps it, not more than WINDOW_MOST bytes; once. */
void *window_map(uint64_t physical, uint64_t bytes);

#endif
