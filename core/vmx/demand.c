/* SPDX-License-Identifier: MIT */
#include "demand.h"

#include "ept_entry.h"

#include <string.h>

#define LEAF       (EPT_ENTRY_TYPE(EPT_WRITE_BACK) | EPT_ALL)
#define TABLE_SPAN (EPT_ENTRIES * PAGE_SIZE)

/* What is a table's span for pages of 4 KiB is one page of 2 MiB, and so on. */
static uint64_t table_span(const struct demand_region *region)
{
    return ept_span(region->level + 1);
}

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

/* Of pages of 4 KiB, in as few steps as can be. */
static uint64_t *entry_of(const struct demand_region *region, uint64_t guest_physical)
{
    size_t table = guest_physical / TABLE_SPAN - region->first_table;
    return &region->tables[table][ept_index(guest_physical, 0)];
}

static uint64_t *entry_of_any(const struct demand_region *region, uint64_t guest_physical)
{
    size_t table = guest_physical / table_span(region) - region->first_table;
    return &region->tables[table][ept_index(guest_physical, region->level)];
}

static bool take_back_region(struct demand *demand, const struct demand_region *region)
{
    const uint64_t step = region->page_bytes;
    bool any = false;

    for (uint64_t at = region->first; at - region->first < region->bytes; at += step) {
        uint64_t entry = __atomic_exchange_n(entry_of_any(region, at), 0, __ATOMIC_SEQ_CST);
        if (!(entry & EPT_ALL))
            continue;
        if (!region->level)
            give_back(demand, entry);
        any = true;
    }
    return any;
}

static bool take_back(struct demand *demand)
{
    bool any = false;

    for (unsigned i = 0; i < demand->region_count; i++)
        any |= take_back_region(demand, &demand->regions[i]);
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

static void free_tables(const struct demand_region *region)
{
    platform_pages_free(region->tables, pages_for(region->table_count * sizeof(uint64_t *)));
}

void demand_destroy(struct demand *demand)
{
    if (!demand->ept)
        return;
    take_back(demand);
    for (unsigned i = 0; i < demand->region_count; i++)
        free_tables(&demand->regions[i]);
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

/* Every table that the region needs, made and noted; none of its entries in use. */
static bool find_tables(struct ept *ept, struct demand_region *region)
{
    const uint64_t span = table_span(region), step = region->page_bytes;
    uint64_t at = region->first;

    for (size_t i = 0; i < region->table_count; i++) {
        uint64_t *entry = ept_entry_at(ept, at, region->level);
        if (!entry)
            return false;
        region->tables[i] = entry - ept_index(at, region->level);
        at = (at | (span - 1)) + 1;
    }
    for (at = region->first; at - region->first < region->bytes; at += step)
        if (*entry_of_any(region, at) & EPT_ALL)
            return false;
    return true;
}

static bool add(struct demand *demand, struct demand_region region)
{
    const uint64_t first = region.first, bytes = region.bytes, span = table_span(&region);

    if (!bytes || !ept_range_is_valid(first, bytes) || demand->region_count == DEMAND_REGIONS_MAX ||
        demand_claims(demand, first, bytes))
        return false;
    region.page_bytes = ept_span(region.level);
    region.first_table = first / span;
    region.table_count = (first + bytes - 1) / span - region.first_table + 1;
    region.tables =
        platform_pages_allocate(pages_for(region.table_count * sizeof(uint64_t *)), PAGE_SIZE);
    if (!region.tables)
        return false;
    if (!find_tables(demand->ept, &region)) {
        free_tables(&region);
        return false;
    }
    demand->regions[demand->region_count++] = region;
    return true;
}

bool demand_add(struct demand *demand, uint64_t first, uint64_t bytes)
{
    return add(demand, (struct demand_region){.first = first, .bytes = bytes});
}

bool demand_add_large(struct demand *demand, uint64_t first, uint64_t bytes, unsigned level,
                      uint64_t host_physical)
{
    const struct ept *ept = demand->ept;

    if (!level || level > ept->largest_level ||
        (first | bytes | host_physical) % ept_span((int)level) ||
        host_physical >> ept->physical_bits ||
        ept_span((int)level) > (1ull << ept->physical_bits) - host_physical)
        return false;
    return add(demand, (struct demand_region){.first = first,
                                              .bytes = bytes,
                                              .level = (int)level,
                                              .leaf = host_physical | LEAF | EPT_ENTRY_LARGE});
}

bool demand_remove(struct demand *demand, uint64_t first)
{
    for (unsigned i = 0; demand->ept->invept && i < demand->region_count; i++) {
        struct demand_region *region = &demand->regions[i];
        if (region->first != first)
            continue;
        if (take_back_region(demand, region))
            ept_owe(demand->ept);
        free_tables(region);
        *region = demand->regions[--demand->region_count];
        return true;
    }
    return false;
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

/* Each page is the same one: there is none to run out of. */
static __attribute__((noinline, cold)) enum demand_result
supply_large(struct demand *demand, const struct demand_region *region, uint64_t guest_physical,
             unsigned access)
{
    uint64_t *entry = entry_of_any(region, guest_physical);

    lock(demand);
    if (!(*entry & EPT_ALL))
        __atomic_store_n(entry, region->leaf, __ATOMIC_RELEASE);
    unlock(demand);
    return (*entry & access) == access ? DEMAND_SUPPLIED : DEMAND_NOT_HERE;
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
    if (__builtin_expect(region->level, 0))
        return supply_large(demand, region, guest_physical, access);
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
