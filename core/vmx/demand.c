/* SPDX-License-Identifier: MIT */
#include "demand.h"

#include "ept_entry.h"

#include <string.h>

#define LEAF       (EPT_ENTRY_TYPE(EPT_WRITE_BACK) | EPT_ALL)
#define TABLE_SPAN (EPT_ENTRIES * PAGE_SIZE)

static size_t pages_for(size_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

bool demand_create(struct demand *demand, struct ept *ept, size_t page_count)
{
    *demand = (struct demand){
        .ept = ept,
        .page_count = page_count,
        .pages = platform_pages_allocate(page_count, PAGE_SIZE),
        .stack = platform_pages_allocate(pages_for(page_count * sizeof(uint64_t)), PAGE_SIZE),
    };
    ept->demand = demand;
    if (!demand->pages || !demand->stack) {
        demand_destroy(demand);
        return false;
    }
    /* The lowest page on top. */
    for (size_t i = page_count; i--;)
        demand->stack[demand->left++] = platform_physical(demand->pages + i * PAGE_SIZE) | LEAF;
    return true;
}

/* Back into the pool, or to the platform if that is where it came from. */
static void give_back(struct demand *demand, uint64_t entry)
{
    uint8_t *page = platform_at(entry & EPT_ENTRY_ADDRESS);
    uintptr_t offset = (uintptr_t)page - (uintptr_t)demand->pages;

    if (offset >= demand->page_count * PAGE_SIZE) {
        platform_pages_free(page, 1);
        return;
    }
    memset(page, 0, PAGE_SIZE);
    demand->stack[demand->left++] = (entry & EPT_ENTRY_ADDRESS) | LEAF;
}

static uint64_t *entry_of(const struct demand_region *region, uint64_t guest_physical)
{
    size_t table = guest_physical / TABLE_SPAN - region->first / TABLE_SPAN;
    return &region->tables[table][ept_index(guest_physical, 0)];
}

static bool take_back(struct demand *demand)
{
    bool any = false;

    for (unsigned i = 0; i < demand->region_count; i++) {
        const struct demand_region *region = &demand->regions[i];
        for (uint64_t at = region->first; at - region->first < region->bytes; at += PAGE_SIZE) {
            uint64_t entry = __atomic_exchange_n(entry_of(region, at), 0, __ATOMIC_SEQ_CST);
            if (!(entry & EPT_ALL))
                continue;
            give_back(demand, entry);
            any = true;
        }
    }
    return any;
}

bool demand_take_back(struct demand *demand)
{
    if (!demand->ept->invept)
        return false;
    if (take_back(demand))
        ept_owe(demand->ept);
    return true;
}

void demand_destroy(struct demand *demand)
{
    if (!demand->ept)
        return;
    take_back(demand);
    for (unsigned i = 0; i < demand->region_count; i++)
        platform_pages_free(demand->regions[i].tables,
                            pages_for(demand->regions[i].table_count * sizeof(uint64_t *)));
    platform_pages_free(demand->pages, demand->page_count);
    platform_pages_free(demand->stack, pages_for(demand->page_count * sizeof(uint64_t)));
    demand->ept->demand = NULL;
    *demand = (struct demand){0};
}

bool demand_claims(const struct demand *demand, uint64_t first, uint64_t bytes)
{
    for (unsigned i = 0; demand && i < demand->region_count; i++) {
        const struct demand_region *region = &demand->regions[i];
        if (first < region->first + region->bytes && region->first < first + bytes)
            return true;
    }
    return false;
}

/* Every page table that the region needs, made and noted; none of its entries in use. */
static bool find_tables(struct ept *ept, struct demand_region *region)
{
    uint64_t at = region->first;

    for (size_t i = 0; i < region->table_count; i++) {
        uint64_t *entry = ept_entry_at(ept, at, 0);
        if (!entry)
            return false;
        region->tables[i] = entry - ept_index(at, 0);
        at = (at | (TABLE_SPAN - 1)) + 1;
    }
    for (at = region->first; at - region->first < region->bytes; at += PAGE_SIZE)
        if (*entry_of(region, at) & EPT_ALL)
            return false;
    return true;
}

bool demand_add(struct demand *demand, uint64_t first, uint64_t bytes)
{
    if (!bytes || !ept_range_is_valid(first, bytes) || demand->region_count == DEMAND_REGIONS_MAX ||
        demand_claims(demand, first, bytes))
        return false;

    struct demand_region region = {first, bytes, NULL, 0};
    region.table_count = (first + bytes - 1) / TABLE_SPAN - first / TABLE_SPAN + 1;
    size_t room = pages_for(region.table_count * sizeof(uint64_t *));
    region.tables = platform_pages_allocate(room, PAGE_SIZE);
    if (!region.tables)
        return false;
    if (!find_tables(demand->ept, &region)) {
        platform_pages_free(region.tables, room);
        return false;
    }
    demand->regions[demand->region_count++] = region;
    return true;
}

static void lock(struct demand *demand)
{
    while (__atomic_exchange_n(&demand->taken, 1, __ATOMIC_ACQUIRE))
        __builtin_ia32_pause();
}

static void unlock(struct demand *demand)
{
    __atomic_store_n(&demand->taken, 0, __ATOMIC_RELEASE);
}

static __attribute__((noinline, cold)) uint64_t fresh(void)
{
    const void *page = platform_pages_allocate(1, PAGE_SIZE);
    return page ? platform_physical(page) | LEAF : 0;
}

enum demand_result demand_supply(struct demand *demand, uint64_t guest_physical, unsigned access)
{
    const struct demand_region *region = demand->regions;
    enum demand_result result = DEMAND_SUPPLIED;

    for (unsigned i = demand->region_count;; i--, region++) {
        if (!i)
            return DEMAND_NOT_HERE;
        if (guest_physical - region->first < region->bytes)
            break;
    }
    uint64_t *entry = entry_of(region, guest_physical);

    lock(demand);
    if (__builtin_expect(!(*entry & EPT_ALL), 1)) {
        uint64_t page = demand->left ? demand->stack[--demand->left] : fresh();
        if (page)
            __atomic_store_n(entry, page, __ATOMIC_RELEASE);
        else
            result = DEMAND_NO_MEMORY;
    } else if ((*entry & access) != access) {
        result = DEMAND_NOT_HERE;
    }
    unlock(demand);
    return result;
}
