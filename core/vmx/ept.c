/* SPDX-License-Identifier: MIT */
#include "ept.h"

#include "../platform.h"
#include "../x86/instructions.h"

#define ENTRIES         512u
#define ENTRY_ADDRESS   0x000ffffffffff000ull
#define ENTRY_LARGE     (1ull << 7)
#define ENTRY_WRITEBACK (6ull << 3) /* memory type of a leaf */
#define POINTER_4_LEVEL (3ull << 3) /* walk length less one */
#define POINTER_WB      6ull
#define INVEPT_SINGLE   1ull
#define LEVELS          4 /* 3 is the PML4, 0 the page table */

static uint64_t *table_of(uint64_t entry)
{
    return platform_at(entry & ENTRY_ADDRESS);
}

static unsigned index_at(uint64_t guest_physical, int level)
{
    return guest_physical >> (12 + 9 * level) & (ENTRIES - 1);
}

const char *ept_create(struct ept *ept, const struct vmx_capability *capability)
{
    if (!(capability->ept_vpid & EPT_CAP_WALK_4))
        return "EPT with a page-walk length of 4 is not available";
    if (!(capability->ept_vpid & EPT_CAP_WRITE_BACK))
        return "EPT paging structures in write-back memory are not available";
    ept->root = platform_pages_allocate(1, PAGE_SIZE);
    if (!ept->root)
        return "no memory for the EPT PML4 table";
    ept->pointer = platform_physical(ept->root) | POINTER_4_LEVEL | POINTER_WB;
    ept->pages_2m = capability->ept_vpid & EPT_CAP_2M;
    return NULL;
}

static void free_table(uint64_t *table, int level)
{
    for (unsigned i = 0; level > 0 && i < ENTRIES; i++)
        if (table[i] & EPT_ALL && !(table[i] & ENTRY_LARGE))
            free_table(table_of(table[i]), level - 1);
    platform_pages_free(table, 1);
}

void ept_destroy(struct ept *ept)
{
    if (ept->root)
        free_table(ept->root, LEVELS - 1);
    ept->root = NULL;
}

/* The entry for guest_physical at a level, with the tables above it made; NULL if it cannot be. */
static uint64_t *entry_at(struct ept *ept, uint64_t guest_physical, int level)
{
    uint64_t *table = ept->root;

    for (int at = LEVELS - 1; at > level; at--) {
        uint64_t *entry = &table[index_at(guest_physical, at)];
        if (*entry & ENTRY_LARGE)
            return NULL;
        if (!(*entry & EPT_ALL)) {
            void *below = platform_pages_allocate(1, PAGE_SIZE);
            if (!below)
                return NULL;
            *entry = platform_physical(below) | EPT_ALL;
        }
        table = table_of(*entry);
    }
    return &table[index_at(guest_physical, level)];
}

bool ept_map(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
             enum ept_access access)
{
    if ((guest_physical | host_physical | bytes) % PAGE_SIZE || guest_physical >> 48 ||
        bytes > (1ull << 48) - guest_physical || host_physical & ~ENTRY_ADDRESS ||
        bytes > (1ull << 52) - host_physical)
        return false;
    while (bytes) {
        const uint64_t large = 2ull << 20;
        int level = ept->pages_2m && !((guest_physical | host_physical) % large) && bytes >= large;
        uint64_t *entry = entry_at(ept, guest_physical, level);
        if (!entry || *entry & EPT_ALL)
            return false;
        *entry = host_physical | ENTRY_WRITEBACK | access | (level ? ENTRY_LARGE : 0);
        uint64_t done = level ? large : PAGE_SIZE;
        guest_physical += done;
        host_physical += done;
        bytes -= done;
    }
    return true;
}

bool ept_reach(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
               uint64_t *host_physical)
{
    const uint64_t *table = ept->root;

    if (guest_physical >> 48)
        return false;
    for (int level = LEVELS - 1;; level--) {
        uint64_t entry = table[index_at(guest_physical, level)];
        if (!(entry & EPT_ALL) || (entry & access) != access)
            return false;
        if (level == 0 || entry & ENTRY_LARGE) {
            uint64_t offset = guest_physical & ((1ull << (12 + 9 * level)) - 1);
            *host_physical = (entry & ENTRY_ADDRESS & ~((1ull << (12 + 9 * level)) - 1)) + offset;
            return true;
        }
        table = table_of(entry);
    }
}

bool ept_translate(const struct ept *ept, uint64_t guest_physical, uint64_t *host_physical)
{
    return ept_reach(ept, guest_physical, (enum ept_access)0, host_physical);
}

void ept_invalidate(const struct ept *ept)
{
    x86_invept(INVEPT_SINGLE, (struct invalidation_descriptor){.selector = ept->pointer});
}
