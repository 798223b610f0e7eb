/* SPDX-License-Identifier: MIT */
#include "window.h"

#define WINDOW       (4ull << 30) /* behind the identity map of start.S */
#define WINDOW_ENTRY 4u           /* ... in its page-directory-pointer table */
#define LARGE_PAGE   0x200000ull
#define ENTRIES      512u
#define TABLE_RW     0x03ull
#define LARGE_RW_NX  (0x83ull | 1ull << 63)
#define ADDRESS_IN   0x000ffffffffff000ull

extern uint64_t boot_pml4[]; /* start.S */

void *window_map(uint64_t physical, uint64_t bytes)
{
    static uint64_t directory[ENTRIES] __attribute__((aligned(4096)));
    uint64_t *pointers = (uint64_t *)(boot_pml4[0] & ADDRESS_IN);
    uint64_t first = physical & ~(LARGE_PAGE - 1);

    for (uint64_t i = 0; i < ENTRIES && first + i * LARGE_PAGE < physical + bytes; i++)
        directory[i] = (first + i * LARGE_PAGE) | LARGE_RW_NX;
    pointers[WINDOW_ENTRY] = (uint64_t)directory | TABLE_RW;
    return (void *)(WINDOW + (physical - first));
}
