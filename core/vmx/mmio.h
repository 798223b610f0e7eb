/* SPDX-License-Identifier: MIT */
/*
 * Memory-mapped I/O: ranges of guest-physical addresses, mapped nowhere, that a handler answers for
 * instead of memory. An access there exits as an EPT violation, or as an EPT misconfiguration where
 * that was asked for, and is emulated (exits/mmio.c).
 */
#ifndef EXITMETER_CORE_VMX_MMIO_H
#define EXITMETER_CORE_VMX_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#define MMIO_RANGES_MAX 8u

struct ept;
struct vcpu;

enum mmio_result {
    MMIO_DONE = 0,
    MMIO_EVENTS,  /* done, and what can be delivered to this vCPU may have changed */
    MMIO_REFUSED, /* there is no such register, or not of that width: the guest is stopped */
};

/*
 * An access by this vCPU of 1, 2, 4 or 8 bytes at offset, which lie inside the range and inside one
 * page; aligned or not. *value is zero-extended: given on a write, to be set on a read, of which
 * only the low bytes are taken. Runs on the exit path, for several vCPUs at once if the table is
 * several vCPUs'.
 */
typedef enum mmio_result mmio_handler(struct vcpu *vcpu, void *context, uint64_t offset,
                                      unsigned bytes, bool write, uint64_t *value);

struct mmio_range {
    uint64_t first, bytes;
    mmio_handler *handler;
    void *context;
};

/* All 0 is a table without ranges. A vCPU has one (vcpu->mmio), its own or shared. */
struct mmio {
    struct mmio_range ranges[MMIO_RANGES_MAX];
    unsigned count;
};

/*
 * Adds a range, whole pages, overlapping none that is there. False if it is not so or the table is
 * full. What the EPT maps does not exit: the range must not be mapped. No vCPU with the table may
 * run.
 */
bool mmio_add(struct mmio *mmio, uint64_t first, uint64_t bytes, mmio_handler *handler,
              void *context);

/*
 * The same for a range that exits by EPT misconfiguration: ept_trap() of the map that the table's
 * vCPUs have. False, and no change, if either cannot be.
 */
bool mmio_add_trapped(struct mmio *mmio, struct ept *ept, uint64_t first, uint64_t bytes,
                      mmio_handler *handler, void *context);

/* The range that has the address, or NULL; mmio may be NULL. */
const struct mmio_range *mmio_find(const struct mmio *mmio, uint64_t guest_physical);

#endif
