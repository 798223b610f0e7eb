/* SPDX-License-Identifier: MIT */
/*
 * Changes of what is mapped already. The CPU sets flags in the same entries meanwhile, so each is
 * changed by one atomic operation. Tables stay where they are until the map is destroyed: a CPU may
 * have their addresses cached.
 */
#include "demand.h"
#include "ept_entry.h"

#include <string.h>

/* In place of a large page, a table that maps the same, flags included. */
static bool split_entry(uint64_t *entry, int level)
{
    uint64_t *table = platform_pages_allocate(1, PAGE_SIZE);
    uint64_t old = *entry;

    if (!table)
        return false;
    do {
        uint64_t leaf = level > 1 ? old : old & ~EPT_ENTRY_LARGE;
        for (unsigned i = 0; i < EPT_ENTRIES; i++)
            table[i] = leaf + i * ept_span(level - 1);
    } while (!__atomic_compare_exchange_n(entry, &old, platform_physical(table) | EPT_ALL, false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_RELAXED));
    return true;
}

/* Splits until a page starts at guest_physical, or none is mapped there. */
static bool split_at(struct ept *ept, uint64_t guest_physical)
{
    int level;

    if (guest_physical >> EPT_ADDRESS_BITS)
        return true;
    for (;;) {
        uint64_t *entry = ept_find(ept, guest_physical, &level);
        if (!(*entry & EPT_ALL) || !(guest_physical % ept_span(level)))
            return true;
        if (!split_entry(entry, level))
            return false;
    }
}

bool ept_split(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    const uint64_t end = guest_physical + bytes;
    int level;

    if (!ept_range_is_valid(guest_physical, bytes))
        return false;
    while (guest_physical < end) {
        uint64_t *entry = ept_find(ept, guest_physical, &level);
        if (*entry & EPT_ALL && level) {
            if (!split_entry(entry, level))
                return false;
            continue;
        }
        guest_physical = (guest_physical | (ept_span(level) - 1)) + 1;
    }
    return true;
}

/* Gives what is mapped in a range this access; EPT_NONE takes it away. */
static bool change(struct ept *ept, uint64_t guest_physical, uint64_t bytes, enum ept_access access)
{
    const uint64_t end = guest_physical + bytes;
    bool narrowed = false;
    int level;

    if (!ept_range_is_valid(guest_physical, bytes) || !ept->invept)
        return false;
    if (!split_at(ept, guest_physical) || !split_at(ept, end))
        return false;
    while (guest_physical < end) {
        uint64_t *entry = ept_find(ept, guest_physical, &level), old = *entry;

        /* What traps can be taken away only: with other access it would be the page at address 0.
         */
        while (old & EPT_ALL && (!access || ept_is_present(old)) &&
               !__atomic_compare_exchange_n(entry, &old,
                                            access ? (old & ~(uint64_t)EPT_ALL) | access : 0, false,
                                            __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            ;
        narrowed |= ept_is_present(old) && old & EPT_ALL & ~(uint64_t)access;
        guest_physical = (guest_physical | (ept_span(level) - 1)) + 1;
    }
    if (narrowed)
        ept_owe(ept);
    return true;
}

bool ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    return !demand_claims(ept->demand, guest_physical, bytes) &&
           change(ept, guest_physical, bytes, EPT_NONE);
}

bool ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes, enum ept_access access)
{
    return ept_access_is_valid(ept, access) && change(ept, guest_physical, bytes, access);
}

/* The CPU caches nothing of what is not there and of what is misconfigured: no INVEPT is owed. */
bool ept_trap(struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    const uint64_t first = guest_physical, end = first + bytes;
    int level;

    if (!bytes || !ept_range_is_valid(first, bytes) || demand_claims(ept->demand, first, bytes))
        return false;
    for (; guest_physical < end; guest_physical += PAGE_SIZE)
        if (*ept_find(ept, guest_physical, &level) & EPT_ALL)
            return false;
    for (guest_physical = first; guest_physical < end; guest_physical += PAGE_SIZE) {
        uint64_t *entry = ept_entry_at(ept, guest_physical, 0);
        if (!entry)
            break;
        __atomic_store_n(entry, EPT_ENTRY_TRAP, __ATOMIC_RELEASE);
    }
    if (guest_physical == end)
        return true;
    while (guest_physical > first) {
        guest_physical -= PAGE_SIZE;
        *ept_find(ept, guest_physical, &level) = 0;
    }
    return false;
}

bool ept_traps(const struct ept *ept, uint64_t guest_physical)
{
    int level;

    return !(guest_physical >> EPT_ADDRESS_BITS) &&
           *ept_find(ept, guest_physical, &level) == EPT_ENTRY_TRAP && !level;
}

static void set_bits(uint8_t *bitmap, uint64_t first, uint64_t end)
{
    for (; first < end; first++)
        bitmap[first / 8] |= (uint8_t)(1u << first % 8);
}

bool ept_take_flags(struct ept *ept, enum ept_flag flag, uint64_t guest_physical, uint64_t bytes,
                    uint8_t *bitmap)
{
    const uint64_t start = guest_physical, end = guest_physical + bytes;
    bool taken = false;
    int level;

    if (!ept_range_is_valid(guest_physical, bytes) || !ept->invept || !ept->accessed_dirty)
        return false;
    memset(bitmap, 0, (bytes / PAGE_SIZE + 7) / 8);
    while (guest_physical < end) {
        uint64_t *entry = ept_find(ept, guest_physical, &level);
        uint64_t next = (guest_physical | (ept_span(level) - 1)) + 1;

        next = next < end ? next : end;
        if (*entry & EPT_ALL && *entry & flag) {
            __atomic_fetch_and(entry, ~(uint64_t)flag, __ATOMIC_SEQ_CST);
            set_bits(bitmap, (guest_physical - start) / PAGE_SIZE, (next - start) / PAGE_SIZE);
            taken = true;
        }
        guest_physical = next;
    }
    if (taken)
        ept_owe(ept);
    return true;
}

bool ept_show_page(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, bool shown)
{
    uint64_t there;

    if (!shown)
        return ept_unmap(ept, guest_physical, PAGE_SIZE);
    return ept_translate(ept, guest_physical, &there) ||
           ept_map(ept, guest_physical, host_physical, PAGE_SIZE, EPT_ALL);
}
