/* SPDX-License-Identifier: MIT */
#include "vpid.h"

#define WORDS 1024u

static uint64_t taken[WORDS] = {1}; /* VPID 0 */

uint16_t vpid_allocate(void)
{
    for (unsigned i = 0; i < WORDS; i++)
        for (uint64_t word = taken[i]; ~word;) {
            int bit = __builtin_ctzll(~word);
            uint64_t before = __atomic_fetch_or(&taken[i], 1ull << bit, __ATOMIC_ACQ_REL);
            if (!(before >> bit & 1))
                return (uint16_t)(64 * i + (unsigned)bit);
            word = before; /* another CPU was quicker */
        }
    return 0;
}

void vpid_free(uint16_t vpid)
{
    if (vpid)
        __atomic_fetch_and(&taken[vpid / 64], ~(1ull << vpid % 64), __ATOMIC_ACQ_REL);
}
