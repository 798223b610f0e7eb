/* SPDX-License-Identifier: MIT */
/*
 * Extended page tables (SDM Vol. 3C 29.3). What is not mapped exits as an EPT violation, so a guest
 * reaches exactly the memory that was mapped for it.
 *
 * One CPU at a time changes a map; vCPUs may run on it meanwhile. A change that takes something
 * away holds for a vCPU from its next vcpu_run() on, or from its next ept_use(): then the CPU
 * forgets what it has cached. Adding what was not there needs nothing (29.4.3.1).
 */
#ifndef EXITMETER_CORE_VMX_EPT_H
#define EXITMETER_CORE_VMX_EPT_H

#include "capability.h"

struct demand;
struct dirty_log;

struct ept {
    uint64_t *root;        /* EPT PML4 table, owned with all below it */
    uint64_t pointer;      /* the VMCS's EPT pointer: write-back, walk length 4, flags if any */
    uint64_t generation;   /* another one after each change for which INVEPT is owed */
    uint64_t invept;       /* type of INVEPT that this CPU has: 1, 2, or 0 for none */
    struct demand *demand; /* regions mapped on first touch (demand.h), or NULL */
    struct dirty_log *log; /* of a range that is write-protected (dirty_log.h), or NULL */
    uint8_t largest_level; /* of a mapping: 0 4 KiB, 1 2 MiB, 2 1 GiB */
    uint8_t physical_bits; /* width of a host-physical address */
    bool execute_only;     /* pages may be executable and not readable */
    bool accessed_dirty;   /* the CPU keeps EPT_ACCESSED and EPT_DIRTY */
};

enum ept_access {
    EPT_NONE = 0,
    EPT_READ = 1,
    EPT_WRITE = 2,
    EPT_EXECUTE = 4,
    EPT_ALL = 7,
};

/* Memory type of a mapping, SDM Vol. 3C 29.3.7.2. */
enum ept_memory_type {
    EPT_UNCACHEABLE = 0,
    EPT_WRITE_BACK = 6,
};

/* What the CPU notes in the entry that maps a page, SDM Vol. 3C 29.3.5. */
enum ept_flag {
    EPT_ACCESSED = 1 << 8,
    EPT_DIRTY = 1 << 9,
};

/* The generation that a vCPU has seen, and on which CPU. All 0: none. */
struct ept_seen {
    uint64_t generation;
    uint32_t cpu;
};

/* An empty map. NULL on success, else why not, in words. */
const char *ept_create(struct ept *ept, const struct vmx_capability *capability);

/* Frees the tables, not what they map. Safe on a zeroed struct. No VMCS may use it any more. */
void ept_destroy(struct ept *ept);

/*
 * Maps bytes at guest_physical to host_physical with 1 GiB and 2 MiB pages where alignment and the
 * CPU allow. All three multiples of 4 KiB; below 2^48; nothing there mapped before or on demand;
 * access of a kind that the CPU has: not EPT_WRITE without EPT_READ. False, and no change, if that
 * is not so or memory ran out.
 */
bool ept_map_as(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
                enum ept_access access, enum ept_memory_type type);

/* The same, write-back. */
bool ept_map(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, uint64_t bytes,
             enum ept_access access);

/*
 * Takes the mappings of a range away, or gives them other access than before; what is not mapped
 * stays so. Large pages that lie across its ends are split. Owes INVEPT if something was taken
 * away. False, and no change, if the range is not whole pages below 2^48, the CPU has no such
 * access, memory for a split ran out, or the CPU has no INVEPT; or, for ept_unmap(), if the range
 * meets a region on demand, whose pages have an owner.
 */
bool ept_unmap(struct ept *ept, uint64_t guest_physical, uint64_t bytes);
bool ept_protect(struct ept *ept, uint64_t guest_physical, uint64_t bytes, enum ept_access access);

/*
 * From now on an access of any kind to whole pages, of which nothing is mapped or on demand, exits
 * as an EPT misconfiguration instead of a violation: a monitor knows those at once for a device's.
 * To the core itself the pages are not mapped. ept_unmap() takes it back, ept_protect() and
 * ept_split() leave it as it is. False, and no change, if the pages are not so or memory ran out.
 */
bool ept_trap(struct ept *ept, uint64_t guest_physical, uint64_t bytes);

/* Whether ept_trap() has been there; any address. */
bool ept_traps(const struct ept *ept, uint64_t guest_physical);

/*
 * Makes 4 KiB pages of the large ones in a range, and changes nothing else: flags then tell of 4
 * KiB each. False if the range is not whole pages below 2^48 or memory ran out.
 */
bool ept_split(struct ept *ept, uint64_t guest_physical, uint64_t bytes);

/*
 * Reads a flag of the pages in a range and clears it: bit n of the bitmap, which is written whole,
 * is that of the range's 4 KiB page n. A large page tells of all its 4 KiB, also outside of the
 * range. Owes INVEPT if one was set, as the CPU would not note it again. False if the CPU keeps no
 * flags or has no INVEPT, or the range is not whole pages below 2^48.
 */
bool ept_take_flags(struct ept *ept, enum ept_flag flag, uint64_t guest_physical, uint64_t bytes,
                    uint8_t *bitmap);

/*
 * A 4 KiB page of the guest that comes and goes: it is mapped for all access, unless something is
 * there already, or taken away. False as ept_map() and ept_unmap() have it.
 */
bool ept_show_page(struct ept *ept, uint64_t guest_physical, uint64_t host_physical, bool shown);

/* Host-physical address behind a guest-physical one; false if it is not mapped. */
bool ept_translate(const struct ept *ept, uint64_t guest_physical, uint64_t *host_physical);

/*
 * The same for an access on the guest's behalf: false too if the map does not allow the guest that
 * access; sets the page's flags as the CPU would.
 */
bool ept_reach(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
               uint64_t *host_physical);

/* A page as one walk found it. All 0: none. */
struct ept_window {
    uint64_t first, bytes; /* guest-physical */
    uint64_t host;         /* physical, of its first byte */
    unsigned access;       /* that is allowed, and for which its flags are set already */
};

/*
 * The same, and the page that the address is in: for other addresses in it, until the next VM
 * entry, there is nothing more to ask. Unchanged if false.
 */
bool ept_reach_page(const struct ept *ept, uint64_t guest_physical, enum ept_access access,
                    struct ept_window *window);

/*
 * Before a vCPU enters its guest on this CPU: INVEPT, if one is owed since it did so last, or if
 * it did so elsewhere. False if INVEPT failed, which leaves it owed. Another CPU owes its own.
 */
bool ept_use(const struct ept *ept, struct ept_seen *seen);

#endif
