/* SPDX-License-Identifier: MIT */
/*
 * Extended page tables (SDM Vol. 3C 29.3). What is not mapped exits as an EPT violation, so a guest
 * reaches exactly the memory that was mapped for it.
 */
#ifndef EXITMETER_CORE_VMX_EPT_H
#define EXITMETER_CORE_VMX_EPT_H

#include "capability.h"

struct ept {
    uint64_t *root;   /* EPT PML4 table, owned with all below it */
    uint64_t pointer; /* the VMCS's EPT pointer: write-back, walk length 4 */
    bool pages_2m;
};

enum ept_access {
    EPT_READ = 1,
    EPT_WRITE = 2,
    EPT_EXECUTE = 4,
    EPT_ALL = 7,
};

/* An empty map. NULL on success, else why not, in words. */
const char *ept_create(struct ept *ept, const struct vmx_capability *capability);

/* Frees the tables, not what they map. Safe on a zeroed struct. No VMCS may use it any more. */
void ept_destroy(struct ept *ept);

/*
 * Maps bytes at guest_physical to host_physical, write-back, with 2 MiB pages where alignment and
 * the CPU allow. All three multiples of 4 KiB; below 2^48; nothing there mapped before. False if
 * that is not so, or memory ran out.
 */
bool ept_map(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
             enum ept_access access);

/* Host-physical address behind a guest-physical one; false if it is not mapped. */
bool ept_translate(const struct ept *ept, uint64_t guest_physical, uint64_t *host_physical);

/* The same, and false too if the map does not allow the guest that access. */
bool ept_reach(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
               uint64_t *host_physical);

/*
 * INVEPT, single-context, on this CPU: owed after a mapping was taken away or narrowed. Another CPU
 * to which a vCPU with this map is bound owes its own; one that is bound later does it by itself.
 */
void ept_invalidate(const struct ept *ept);

#endif
