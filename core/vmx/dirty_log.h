/* SPDX-License-Identifier: MIT */
/*
 * Dirty logging by write protection: a range of guest-physical memory is made read-only, and a page
 * becomes writable again with the first write to it, which is an EPT violation and is noted. As a
 * monitor does it that migrates a guest, where the CPU keeps no log itself (SDM Vol. 3C 29.3.6).
 */
#ifndef EXITMETER_CORE_VMX_DIRTY_LOG_H
#define EXITMETER_CORE_VMX_DIRTY_LOG_H

#include "ept.h"

#include <stddef.h>

struct dirty_log {
    struct ept *ept;
    uint64_t first, bytes; /* guest-physical */
    uint8_t *written;      /* a bit a page */
    size_t pages;          /* that the bits take */
    bool on;
};

/*
 * For a range of whole pages that are all mapped and to be writable, of which large ones are split;
 * the map knows of the log from then on, and has one at a time. Nothing is logged yet. False if
 * that is not so, there is no memory, or the CPU has no INVEPT.
 */
bool dirty_log_create(struct dirty_log *log, struct ept *ept, uint64_t first, uint64_t bytes);

/* Everything is writable again. Before ept_destroy(); safe on a zeroed struct. */
void dirty_log_destroy(struct dirty_log *log);

/* Forgets what was written, and logs from now on. One CPU at a time; owes INVEPT. */
void dirty_log_start(struct dirty_log *log);

/* Everything is writable; what was written until now stays noted. */
void dirty_log_end(struct dirty_log *log);

/*
 * A write to guest_physical was refused, or is to be done for the guest: true if the log is on and
 * the address in its range, and the write is allowed now. On any CPU, from any number at once. The
 * page is noted before it can be written, so none is missed.
 */
bool dirty_log_note(struct dirty_log *log, uint64_t guest_physical);

/* Whether the page was written since dirty_log_start(); false outside of the range. */
bool dirty_log_has(const struct dirty_log *log, uint64_t guest_physical);

#endif
