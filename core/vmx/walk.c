/* SPDX-License-Identifier: MIT */
#include "walk.h"

#include "../x86/canonical.h"
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "demand.h"
#include "dirty_log.h"
#include "segment.h"

#include <string.h>

/* Paging-structure entries, SDM Vol. 3A tables 4-4 to 4-20. */
#define ENTRY_PRESENT    (1ull << 0)
#define ENTRY_WRITE      (1ull << 1)
#define ENTRY_USER       (1ull << 2)
#define ENTRY_ACCESSED   (1ull << 5)
#define ENTRY_DIRTY      (1ull << 6)
#define ENTRY_LARGE      (1ull << 7)
#define ENTRY_NO_EXECUTE (1ull << 63)
#define ENTRY_ADDRESS    0x000ffffffffff000ull

#define LEVELS_32_BIT 2
#define LEVELS_PAE    3
#define LEVELS_4      4
#define LEVELS_5      5

/* No CPU with EPT has narrower physical addresses, so below them none needs a look at CPUID. */
#define PHYSICAL_BITS_LEAST 36u

void guest_paging_read(struct guest_paging *paging, const struct vcpu *vcpu)
{
    *paging = (struct guest_paging){.ept = vcpu->ept, .linear_mask = UINT32_MAX};
    uint64_t cr0 = vmread(VMCS_GUEST_CR0);
    paging->user = SEGMENT_DPL(vmread(VMCS_GUEST_SS_ACCESS_RIGHTS)) == 3;
    if (!(cr0 & CR0_PG))
        return;

    uint64_t cr3 = vmread(VMCS_GUEST_CR3), cr4 = vmread(VMCS_GUEST_CR4);
    uint64_t efer = vmread(VMCS_GUEST_EFER);
    if (!(cr4 & CR4_PAE)) {
        paging->levels = LEVELS_32_BIT;
        paging->root = cr3 & 0xfffff000;
    } else if (!(efer & EFER_LMA)) {
        paging->levels = LEVELS_PAE;
        for (int i = 0; i < 4; i++)
            paging->pdpte[i] = vmread((enum vmcs_field)(VMCS_GUEST_PDPTE0 + 2 * i));
    } else {
        paging->levels = cr4 & CR4_LA57 ? LEVELS_5 : LEVELS_4;
        paging->root = cr3 & ENTRY_ADDRESS;
        if (vmread(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_LONG)
            paging->linear_mask = UINT64_MAX;
    }
    paging->large_4m = cr4 & CR4_PSE;
    paging->write_protect = cr0 & CR0_WP;
    paging->no_execute = cr4 & CR4_PAE && efer & EFER_NXE;
    paging->smep = cr4 & CR4_SMEP;
    paging->smap = cr4 & CR4_SMAP;
    paging->access_ac = vmread(VMCS_GUEST_RFLAGS) & RFLAGS_AC;
}

/* One linear address on its way down the tables. */
struct walk {
    const struct guest_paging *paging;
    uint64_t linear;
    unsigned access;
    uint64_t physical; /* the result, guest-physical */
    uint64_t rights;   /* U/S and R/W of all entries */
    bool no_execute;
    unsigned steps;
    struct {
        void *at; /* host address of the entry */
        uint64_t physical;
        uint64_t value;
        uint64_t set; /* flags it must get */
    } step[LEVELS_5];
};

static bool by_user(const struct walk *walk)
{
    return walk->paging->user && !(walk->access & GUEST_SYSTEM);
}

static enum guest_reached page_fault(const struct walk *walk, uint32_t error,
                                     struct guest_fault *fault)
{
    error |= walk->access & PAGE_FAULT_WRITE;
    if (by_user(walk))
        error |= PAGE_FAULT_USER;
    if (walk->paging->no_execute || walk->paging->smep)
        error |= walk->access & PAGE_FAULT_FETCH;
    *fault = (struct guest_fault){.address = walk->linear, .error = error};
    return GUEST_PAGE_FAULT;
}

static enum guest_reached outside(uint64_t physical, bool translated, struct guest_fault *fault)
{
    *fault = (struct guest_fault){.address = physical, .translated = translated};
    return GUEST_OUTSIDE;
}

/* What the map makes of an access that it refuses as it is. */
static bool is_made_good(const struct ept *ept, uint64_t physical, enum ept_access access)
{
    return (ept->demand && demand_supply(ept->demand, physical, access) == DEMAND_SUPPLIED) ||
           (ept->log && access & EPT_WRITE && dirty_log_note(ept->log, physical));
}

/* window: the page that was reached last, where tables and code of small guests all lie. */
static void *host_of(const struct guest_paging *paging, struct ept_window *window,
                     uint64_t physical, enum ept_access access)
{
    const struct ept *ept = paging->ept;

    if ((physical - window->first < window->bytes && (window->access & access) == access) ||
        ept_reach_page(ept, physical, access, window) ||
        (is_made_good(ept, physical, access) && ept_reach_page(ept, physical, access, window)))
        return platform_at(window->host + (physical - window->first));
    return NULL;
}

/* With accessed and dirty flags for EPT, table accesses count as writes (SDM Vol. 3C 29.3.5). */
static enum ept_access table_access(const struct ept *ept)
{
    return ept->accessed_dirty ? (enum ept_access)(EPT_READ | EPT_WRITE) : EPT_READ;
}

static bool too_wide(uint64_t address)
{
    return address >> PHYSICAL_BITS_LEAST &&
           address >> (x86_cpuid(CPUID_ADDRESS_SIZES, 0).eax & 0xff);
}

static bool has_1g_pages(void)
{
    return x86_cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_1GB_PAGES;
}

/* The page that an entry maps at a level: 32-bit paging puts address bits 39:32 into bits 20:13. */
static uint64_t page_of(const struct guest_paging *paging, uint64_t entry, int level)
{
    if (paging->levels == LEVELS_32_BIT)
        return level == 0 ? entry & 0xfffff000 : (entry & 0xffc00000) | (entry >> 13 & 0xff) << 32;
    return entry & ENTRY_ADDRESS & ~((1ull << (12 + 9 * level)) - 1);
}

static bool is_leaf(const struct guest_paging *paging, uint64_t entry, int level)
{
    if (level == 0)
        return true;
    return entry & ENTRY_LARGE && (paging->levels != LEVELS_32_BIT || paging->large_4m);
}

/* Whether a bit is set that must not be (SDM Vol. 3A 4.3, 4.4.2, 4.5.4). */
static bool breaks_reserved(const struct guest_paging *paging, uint64_t entry, int level)
{
    bool large = level > 0 && is_leaf(paging, entry, level);

    if (paging->levels == LEVELS_32_BIT)
        return large && (entry & 1ull << 21 || too_wide(page_of(paging, entry, level)));
    if (too_wide(entry & ENTRY_ADDRESS))
        return true;
    if (entry & ENTRY_NO_EXECUTE && !paging->no_execute)
        return true;
    if (paging->levels == LEVELS_PAE && entry & 0x7ff0000000000000)
        return true;
    if (!large)
        return false;
    if (level > 2 || (level == 2 && !has_1g_pages()))
        return true;
    return entry & ((1ull << (12 + 9 * level)) - 1) & ~0x1fffull; /* bit 12 is PAT */
}

/* SDM Vol. 3A 4.6.1. */
static bool permitted(const struct walk *walk)
{
    const struct guest_paging *paging = walk->paging;
    bool user = by_user(walk), user_page = walk->rights & ENTRY_USER;

    if (user && !user_page)
        return false;
    if (walk->access & GUEST_FETCH)
        return !walk->no_execute && (user || !user_page || !paging->smep);
    if (!user && user_page && paging->smap && (walk->access & GUEST_SYSTEM || !paging->access_ac))
        return false;
    return !(walk->access & GUEST_WRITE) || walk->rights & ENTRY_WRITE ||
           (!user && !paging->write_protect);
}

/* Goes down the tables and notes which flags the walk would set; changes nothing. */
static enum guest_reached look(struct walk *walk, struct ept_window *window,
                               struct guest_fault *fault)
{
    const struct guest_paging *paging = walk->paging;
    const bool narrow = paging->levels == LEVELS_32_BIT;
    const unsigned index_bits = narrow ? 10 : 9;
    uint64_t table = paging->root, entry;
    int level = paging->levels - 1;

    walk->steps = 0;
    walk->no_execute = false;
    walk->rights = ENTRY_WRITE | ENTRY_USER;
    walk->physical = walk->linear;
    if (paging->levels == 0)
        return GUEST_REACHED;
    if (paging->levels >= LEVELS_4 &&
        !is_canonical(walk->linear, 12 + 9 * (unsigned)paging->levels))
        return GUEST_NOT_CANONICAL;
    if (paging->levels == LEVELS_PAE) {
        entry = paging->pdpte[walk->linear >> 30 & 3]; /* checked as the CPU loaded it */
        if (!(entry & ENTRY_PRESENT))
            return page_fault(walk, 0, fault);
        table = entry & ENTRY_ADDRESS;
        level--;
    }
    for (;; level--) {
        unsigned shift = 12 + index_bits * (unsigned)level;
        uint64_t index = walk->linear >> shift & ((1u << index_bits) - 1);
        uint64_t physical = table + index * (narrow ? 4 : 8);
        void *at = host_of(paging, window, physical, table_access(paging->ept));

        if (!at)
            return outside(physical, false, fault);
        entry = narrow ? __atomic_load_n((uint32_t *)at, __ATOMIC_RELAXED)
                       : __atomic_load_n((uint64_t *)at, __ATOMIC_RELAXED);
        if (!(entry & ENTRY_PRESENT))
            return page_fault(walk, 0, fault);
        if (breaks_reserved(paging, entry, level))
            return page_fault(walk, PAGE_FAULT_PRESENT | PAGE_FAULT_RESERVED, fault);
        walk->rights &= entry;
        walk->no_execute |= entry >> 63;

        bool leaf = is_leaf(paging, entry, level);
        uint64_t set = ENTRY_ACCESSED | (leaf && walk->access & GUEST_WRITE ? ENTRY_DIRTY : 0);
        walk->step[walk->steps].at = at;
        walk->step[walk->steps].physical = physical;
        walk->step[walk->steps].value = entry;
        walk->step[walk->steps++].set = set & ~entry;
        table = narrow ? entry & 0xfffff000 : entry & ENTRY_ADDRESS;
        if (leaf) {
            uint64_t offset = walk->linear & ((1ull << shift) - 1);
            walk->physical = page_of(paging, entry, level) | offset;
            break;
        }
    }
    if (!permitted(walk))
        return page_fault(walk, PAGE_FAULT_PRESENT, fault);
    for (unsigned i = 0; i < walk->steps; i++)
        if (walk->step[i].set && !host_of(paging, window, walk->step[i].physical, EPT_WRITE))
            return outside(walk->step[i].physical, false, fault);
    return GUEST_REACHED;
}

/* Sets the flags; false if an entry has changed since, by another CPU or the page before. */
static bool mark(const struct walk *walk)
{
    for (unsigned i = 0; i < walk->steps; i++) {
        uint64_t old = walk->step[i].value, wanted = old | walk->step[i].set;
        uint32_t old_narrow = (uint32_t)old;
        void *at = walk->step[i].at;

        if (wanted == old)
            continue;
        if (walk->paging->levels == LEVELS_32_BIT
                ? !__atomic_compare_exchange_n((uint32_t *)at, &old_narrow, (uint32_t)wanted, false,
                                               __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)
                : !__atomic_compare_exchange_n((uint64_t *)at, &old, wanted, false,
                                               __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            return false;
    }
    return true;
}

enum guest_reached guest_reach(const struct guest_paging *paging, uint64_t linear, size_t size,
                               unsigned access, struct guest_span *span, struct guest_fault *fault)
{
    static const enum ept_access needed[] = {EPT_READ, EPT_WRITE, EPT_EXECUTE};
    enum ept_access need = needed[access & GUEST_WRITE ? 1 : access & GUEST_FETCH ? 2 : 0];
    struct ept_window window = {0};
    struct walk walk[2];
    size_t first = PAGE_SIZE - linear % PAGE_SIZE;
    unsigned pieces = size > first ? 2 : 1;
    bool marked;

    span->bytes[0] = pieces == 2 ? first : size;
    span->bytes[1] = size - span->bytes[0];
    do {
        marked = true;
        for (unsigned i = 0; i < pieces; i++) {
            uint64_t at = (i ? linear + first : linear) & paging->linear_mask;
            walk[i].paging = paging; /* look() sets the rest */
            walk[i].linear = at;
            walk[i].access = access;
            enum guest_reached reached = look(&walk[i], &window, fault);
            if (reached != GUEST_REACHED)
                return reached;
            span->at[i] = host_of(paging, &window, walk[i].physical, need);
            if (!span->at[i])
                return outside(walk[i].physical, true, fault);
        }
        for (unsigned i = 0; i < pieces && marked; i++)
            marked = mark(&walk[i]);
    } while (!marked); /* each turn means that another CPU, or the first page, got on */
    return GUEST_REACHED;
}
