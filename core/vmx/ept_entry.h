/* SPDX-License-Identifier: MIT */
/* Entries of the EPT paging structures, for the files that make, change and explain them. */
#ifndef EXITMETER_CORE_VMX_EPT_ENTRY_H
#define EXITMETER_CORE_VMX_EPT_ENTRY_H

#include "../platform.h"
#include "ept.h"

/* SDM Vol. 3C tables 29-1 to 29-7. */
#define EPT_ENTRIES          512u
#define EPT_LEVELS           4 /* 3 is the PML4, 0 the page table */
#define EPT_ENTRY_ADDRESS    0x000ffffffffff000ull
#define EPT_ENTRY_LARGE      (1ull << 7)
#define EPT_ENTRY_TYPE(type) ((uint64_t)(type) << 3) /* of a leaf */
#define EPT_ENTRY_FLAGS      (uint64_t)(EPT_ACCESSED | EPT_DIRTY)
#define EPT_ADDRESS_BITS     48

/*
 * An entry that traps: writable and not readable, which the CPU takes for a misconfiguration (SDM
 * Vol. 3C 29.3.3.1), and that alone. Nothing is behind it: it has no address.
 */
#define EPT_ENTRY_TRAP (uint64_t)(EPT_WRITE)

/* Whether an entry leads anywhere. Those that do are readable or executable; EPT_ENTRY_TRAP is not.
 */
static inline bool ept_is_present(uint64_t entry)
{
    return entry & (EPT_READ | EPT_EXECUTE);
}

/* Bytes that an entry of a level spans. */
static inline uint64_t ept_span(int level)
{
    return 1ull << (12 + 9 * level);
}

static inline unsigned ept_index(uint64_t guest_physical, int level)
{
    return guest_physical >> (12 + 9 * level) & (EPT_ENTRIES - 1);
}

static inline uint64_t *ept_table_of(uint64_t entry)
{
    return platform_at(entry & EPT_ENTRY_ADDRESS);
}

/* Whether [guest_physical, guest_physical + bytes) is whole pages that the tables can map. */
static inline bool ept_range_is_valid(uint64_t guest_physical, uint64_t bytes)
{
    return !((guest_physical | bytes) % PAGE_SIZE) && !(guest_physical >> EPT_ADDRESS_BITS) &&
           bytes <= (1ull << EPT_ADDRESS_BITS) - guest_physical;
}

/* What maps guest_physical, below 2^48: the leaf, or the empty entry where the tables end. */
static inline uint64_t *ept_find(const struct ept *ept, uint64_t guest_physical, int *level)
{
    uint64_t *table = ept->root;

    for (*level = EPT_LEVELS - 1;; --*level) {
        uint64_t *entry = &table[ept_index(guest_physical, *level)];
        if (!*level || !ept_is_present(*entry) || *entry & EPT_ENTRY_LARGE)
            return entry;
        table = ept_table_of(*entry);
    }
}

/*
 * The entry for guest_physical at a level, with the tables above it made; NULL if there is no
 * memory for them or a large page in their place. At a level above 0 it may be a table's.
 */
uint64_t *ept_entry_at(struct ept *ept, uint64_t guest_physical, int level);

/* Whether entries may have that access. */
bool ept_access_is_valid(const struct ept *ept, enum ept_access access);

/* From now on INVEPT is owed. */
void ept_owe(struct ept *ept);

#endif
