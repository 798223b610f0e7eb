/* SPDX-License-Identifier: MIT */
/*
 * Guest memory on demand: regions of guest-physical addresses where a page is mapped when the guest
 * first touches it. Pages of 4 KiB arrive zeroed. So that the way there is short, pages are zeroed
 * before, in a pool, and a region's page tables are all there from the start.
 */
#ifndef EXITMETER_CORE_VMX_DEMAND_H
#define EXITMETER_CORE_VMX_DEMAND_H

#include "ept.h"

#include <stddef.h>

#define DEMAND_REGIONS_MAX 4u

struct demand_region {
    uint64_t first, bytes; /* guest-physical */
    uint64_t **tables;     /* the EPT table of each 512 pages, owned by the map; array of ours */
    size_t table_count;
    uint64_t first_table; /* its number, counted from guest-physical address 0 */
    uint64_t leaf;        /* of large pages: the entry of each of them */
    uint64_t page_bytes;
    int level; /* of the pages: 0 4 KiB, 1 2 MiB, 2 1 GiB */
};

struct demand {
    struct ept *ept;
    struct demand_region regions[DEMAND_REGIONS_MAX];
    unsigned region_count;
    uint8_t *pages;  /* the pool's memory, page_count pages */
    uint64_t *stack; /* entries to be written, of pages that wait: [0, left) */
    size_t page_count;
    size_t left;
    uint32_t taken; /* lock: a vCPU changes stack or entries */
};

enum demand_result {
    DEMAND_NOT_HERE = 0, /* no region has the address, or a page is there that refuses the access */
    DEMAND_SUPPLIED,     /* a page is there now; perhaps another vCPU's doing */
    DEMAND_NO_MEMORY,
};

/*
 * A pool of so many zeroed pages (1 or more) for the regions of a map, which from then on knows of
 * it. False if there is no memory for it.
 */
bool demand_create(struct demand *demand, struct ept *ept, size_t page_count);

/* Takes all pages back and frees them. Before ept_destroy(); safe on a zeroed struct. */
void demand_destroy(struct demand *demand);

/*
 * Bytes at first are on demand from now on: whole pages of which nothing is mapped. False if that
 * is not so, memory ran out, or there are DEMAND_REGIONS_MAX already.
 */
bool demand_add(struct demand *demand, uint64_t first, uint64_t bytes);

/*
 * The same by pages of 2 MiB (level 1) or 1 GiB (2), first and bytes multiples of that, all backed
 * by one and the same of the host's. It must be the guest's own: whatever the guest writes to one
 * of the pages it reads in all of them, and nobody takes it for another's. So a region costs a
 * page, however long. It is neither zeroed nor freed here. False too if the CPU has no such pages.
 */
bool demand_add_large(struct demand *demand, uint64_t first, uint64_t bytes, unsigned level,
                      uint64_t host_physical);

/*
 * The region at first is none any more, and its pages are taken back. No vCPU of the guest may run;
 * owes INVEPT, if there were any. False if there is none, or the CPU has no INVEPT.
 */
bool demand_remove(struct demand *demand, uint64_t first);

/* Whether a region has any of those bytes; demand may be NULL. The map then leaves them alone. */
bool demand_claims(const struct demand *demand, uint64_t first, uint64_t bytes);

/*
 * The guest wants that access to guest_physical. On any CPU, from any number of vCPUs at once. A
 * pool that is empty costs time, not memory: a page is then allocated, and zeroed, here.
 */
enum demand_result demand_supply(struct demand *demand, uint64_t guest_physical, unsigned access);

/*
 * All pages back out of the regions: those of 4 KiB zeroed into the pool. No vCPU of the guest may
 * run; owes INVEPT, if there were any. False, and no change, if the CPU has no INVEPT.
 */
bool demand_take_back(struct demand *demand);

#endif
