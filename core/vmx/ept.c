/* SPDX-License-Identifier: MIT */
#include "ept.h"

#include "../x86/instructions.h"
#include "demand.h"
#include "ept_entry.h"
#include "vmcs.h"

#define POINTER_WRITE_BACK     6ull
#define POINTER_4_LEVEL        (3ull << 3) /* walk length less one */
#define POINTER_ACCESSED_DIRTY (1ull << 6)
#define INVEPT_SINGLE          1ull
#define INVEPT_ALL             2ull

/* The latest generation of any map: no two have one in common, so none is taken for another's. */
static uint64_t generations;

void ept_owe(struct ept *ept)
{
    uint64_t next = __atomic_add_fetch(&generations, 1, __ATOMIC_RELAXED);
    __atomic_store_n(&ept->generation, next, __ATOMIC_RELEASE);
}

static uint64_t invept_type(uint64_t capability)
{
    if (!(capability & EPT_CAP_INVEPT))
        return 0;
    return capability & EPT_CAP_INVEPT_ONE   ? INVEPT_SINGLE
           : capability & EPT_CAP_INVEPT_ALL ? INVEPT_ALL
                                             : 0;
}

const char *ept_create(struct ept *ept, const struct vmx_capability *capability)
{
    uint64_t can = capability->ept_vpid;

    if (!(can & EPT_CAP_WALK_4))
        return "EPT with a page-walk length of 4 is not available";
    if (!(can & EPT_CAP_WRITE_BACK))
        return "EPT paging structures in write-back memory are not available";
    *ept = (struct ept){
        .root = platform_pages_allocate(1, PAGE_SIZE),
        .invept = invept_type(can),
        .largest_level = can & EPT_CAP_1G && can & EPT_CAP_2M ? 2
                         : can & EPT_CAP_2M                   ? 1
                                                              : 0,
        .physical_bits = capability->physical_bits ? capability->physical_bits : 52,
        .execute_only = can & EPT_CAP_EXECUTE_ONLY,
        .accessed_dirty = can & EPT_CAP_ACCESSED_DIRTY,
    };
    if (!ept->root)
        return "no memory for the EPT PML4 table";
    ept_owe(ept); /* the first use of a map does: its tables were other memory once */
    ept->pointer = platform_physical(ept->root) | POINTER_4_LEVEL | POINTER_WRITE_BACK |
                   (ept->accessed_dirty ? POINTER_ACCESSED_DIRTY : 0);
    return NULL;
}

static void free_table(uint64_t *table, int level)
{
    for (unsigned i = 0; level > 0 && i < EPT_ENTRIES; i++)
        if (table[i] & EPT_ALL && !(table[i] & EPT_ENTRY_LARGE))
            free_table(ept_table_of(table[i]), level - 1);
    platform_pages_free(table, 1);
}

void ept_destroy(struct ept *ept)
{
    if (ept->root)
        free_table(ept->root, EPT_LEVELS - 1);
    ept->root = NULL;
}

uint64_t *ept_entry_at(struct ept *ept, uint64_t guest_physical, int level)
{
    uint64_t *table = ept->root;

    for (int at = EPT_LEVELS - 1; at > level; at--) {
        uint64_t *entry = &table[ept_index(guest_physical, at)];
        if (*entry & EPT_ALL && *entry & EPT_ENTRY_LARGE)
            return NULL;
        if (!(*entry & EPT_ALL)) {
            void *below = platform_pages_allocate(1, PAGE_SIZE);
            if (!below)
                return NULL;
            __atomic_store_n(entry, platform_physical(below) | EPT_ALL, __ATOMIC_RELEASE);
        }
        table = ept_table_of(*entry);
    }
    return &table[ept_index(guest_physical, level)];
}

bool ept_access_is_valid(const struct ept *ept, enum ept_access access)
{
    return access & EPT_READ || (access == EPT_EXECUTE && ept->execute_only);
}

static bool is_free(const struct ept *ept, uint64_t guest_physical, uint64_t bytes)
{
    const uint64_t end = guest_physical + bytes;
    int level;

    while (guest_physical < end) {
        if (*ept_find(ept, guest_physical, &level) & EPT_ALL)
            return false;
        guest_physical = (guest_physical | (ept_span(level) - 1)) + 1;
    }
    return true;
}

/* One page, as large as can be; the bytes it spans, or 0 if memory ran out. */
static uint64_t map_one(struct ept *ept, uint64_t guest_physical, uint64_t host_physical,
                        uint64_t bytes, uint64_t leaf)
{
    int level = ept->largest_level;
    uint64_t *entry;

    while ((guest_physical | host_physical) % ept_span(level) || bytes < ept_span(level))
        level--;
    /* A table may be left where something smaller was mapped before: it stays in use. */
    while ((entry = ept_entry_at(ept, guest_physical, level)) && *entry & EPT_ALL)
        level--;
    if (!entry)
        return 0;
    __atomic_store_n(entry, host_physical | leaf | (level ? EPT_ENTRY_LARGE : 0), __ATOMIC_RELEASE);
    return ept_span(level);
}

bool ept_map_as(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
                enum ept_access access, enum ept_memory_type type)
{
    uint64_t done = 0, one;
    int level;

    if (!ept_range_is_valid(guest_physical, bytes) || host_physical % PAGE_SIZE ||
        host_physical >> ept->physical_bits ||
        bytes > (1ull << ept->physical_bits) - host_physical || !ept_access_is_valid(ept, access) ||
        demand_claims(ept->demand, guest_physical, bytes) || !is_free(ept, guest_physical, bytes))
        return false;
    for (; done < bytes; done += one) {
        one = map_one(ept, guest_physical + done, host_physical + done, bytes - done,
                      EPT_ENTRY_TYPE(type) | access);
        if (!one)
            break;
    }
    if (done == bytes)
        return true;
    if (done)
        ept_owe(ept); /* a guest that runs may have used it */
    for (; done; done -= ept_span(level))
        *ept_find(ept, guest_physical + done - 1, &level) = 0;
    return false;
}

bool ept_map(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
             enum ept_access access)
{
    return ept_map_as(ept, guest_physical, host_physical, bytes, access, EPT_WRITE_BACK);
}

static void note(const struct ept *ept, uint64_t *entry, uint64_t value, enum ept_access access)
{
    uint64_t flags = access & EPT_WRITE ? EPT_ENTRY_FLAGS : EPT_ACCESSED;

    if (ept->accessed_dirty && ~value & flags)
        __atomic_fetch_or(entry, flags, __ATOMIC_RELAXED);
}

/* What an entry lets a guest do; writes only once it is dirty, where that is kept. */
static unsigned settled(const struct ept *ept, uint64_t entry)
{
    return entry & EPT_ALL & ~(ept->accessed_dirty && !(entry & EPT_DIRTY) ? EPT_WRITE : 0u);
}

bool ept_reach_page(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
                    struct ept_window *window)
{
    uint64_t *table = ept->root;

    if (guest_physical >> EPT_ADDRESS_BITS)
        return false;
    for (int level = EPT_LEVELS - 1;; level--) {
        uint64_t *at = &table[ept_index(guest_physical, level)], entry = *at;
        if (!ept_is_present(entry) || (entry & access) != access)
            return false;
        if (level == 0 || entry & EPT_ENTRY_LARGE) {
            uint64_t within = ept_span(level) - 1;
            if (access)
                note(ept, at, entry, access);
            window->first = guest_physical & ~within;
            window->bytes = within + 1;
            window->host = entry & EPT_ENTRY_ADDRESS & ~within;
            window->access = access ? settled(ept, entry) | access : 0;
            return true;
        }
        table = ept_table_of(entry);
    }
}

bool ept_reach(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
               uint64_t *host_physical)
{
    struct ept_window window;

    if (!ept_reach_page(ept, guest_physical, access, &window))
        return false;
    *host_physical = window.host + (guest_physical - window.first);
    return true;
}

bool ept_translate(const struct ept *ept, uint64_t guest_physical, uint64_t *host_physical)
{
    return ept_reach(ept, guest_physical, EPT_NONE, host_physical);
}

bool ept_use(const struct ept *ept, struct ept_seen *seen)
{
    uint64_t generation = __atomic_load_n(&ept->generation, __ATOMIC_ACQUIRE);
    uint32_t cpu = platform_cpu_number();

    if (seen->generation == generation && seen->cpu == cpu)
        return true;
    if (ept->invept &&
        !vmx_succeeded(
            "INVEPT",
            x86_invept(ept->invept, (struct invalidation_descriptor){
                                        .selector = ept->invept == INVEPT_SINGLE ? ept->pointer : 0,
                                    })))
        return false;
    *seen = (struct ept_seen){generation, cpu};
    return true;
}
