/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory for tests of what reaches it: a few pages behind EPT, scattered over the host's
 * memory, some of them with less than all rights, and a hole.
 */
#ifndef EXITMETER_CORE_TESTS_WALK_FIXTURE_H
#define EXITMETER_CORE_TESTS_WALK_FIXTURE_H

#include "tests.h"

#include "../vmx/vcpu.h"

/* Guest-physical pages 0 to 15, and one that only more than 32 bits reach. */
#define WALK_PAGES      17u
#define WALK_HOLE       13u /* not mapped */
#define WALK_READ_ONLY  14u
#define WALK_NO_EXECUTE 15u
#define WALK_FAR        16u
#define WALK_FAR_PAGE   0x1200400ull /* its number: 0x12_0040_0000, a multiple of 4 MiB */

extern struct ept walk_ept;
extern uint8_t *walk_page[WALK_PAGES]; /* host addresses; NULL for the hole */

void walk_memory_make(void);
void walk_memory_free(void);

/* Host address behind a guest-physical one, NULL where nothing is mapped; the fixture's own idea.
 */
uint8_t *walk_host(uint64_t physical);

/* What EPT allows there: enum ept_access bits, 0 in the hole. */
unsigned walk_allows(uint64_t physical);

/* Writes an entry of 8 bytes, or of 4, of the table in a guest-physical page. */
void walk_entry(unsigned page, unsigned index, uint64_t entry);
void walk_entry_32(unsigned page, unsigned index, uint32_t entry);
uint64_t walk_entry_at(unsigned page, unsigned index);

/* The guest's registers as VMCS fields; everything off but what is named. */
struct walk_mode {
    uint64_t cr0, cr3, cr4, efer, rflags;
    unsigned cpl;
    bool long_code; /* CS.L */
};
void walk_mode_set(const struct walk_mode *mode);

#endif
