/* SPDX-License-Identifier: MIT */
#include "dirty_log.h"

#include "ept_entry.h"

#include <string.h>

#define READ_ONLY ((enum ept_access)(EPT_READ | EPT_EXECUTE))

/* Every page is there, by itself, and allows all. */
static bool is_whole(const struct ept *ept, uint64_t first, uint64_t bytes)
{
    int level;

    for (uint64_t at = first; at - first < bytes; at += PAGE_SIZE)
        if ((~*ept_find(ept, at, &level) & EPT_ALL) || level)
            return false;
    return true;
}

bool dirty_log_create(struct dirty_log *log, struct ept *ept, uint64_t first, uint64_t bytes)
{
    *log = (struct dirty_log){0};
    if (!bytes || ept->log || !ept->invept || !ept_split(ept, first, bytes) ||
        !is_whole(ept, first, bytes))
        return false;
    log->pages = (bytes / PAGE_SIZE / 8 + PAGE_SIZE) / PAGE_SIZE;
    log->written = platform_pages_allocate(log->pages, PAGE_SIZE);
    if (!log->written)
        return false;
    log->ept = ept;
    log->first = first;
    log->bytes = bytes;
    ept->log = log;
    return true;
}

void dirty_log_destroy(struct dirty_log *log)
{
    if (!log->ept)
        return;
    dirty_log_end(log);
    log->ept->log = NULL;
    platform_pages_free(log->written, log->pages);
    *log = (struct dirty_log){0};
}

/* There is nothing left to split, and INVEPT is there: neither can fail. */
void dirty_log_start(struct dirty_log *log)
{
    memset(log->written, 0, log->pages * PAGE_SIZE);
    log->on = true;
    ept_protect(log->ept, log->first, log->bytes, READ_ONLY);
}

void dirty_log_end(struct dirty_log *log)
{
    if (!log->on)
        return;
    log->on = false;
    ept_protect(log->ept, log->first, log->bytes, EPT_ALL);
}

static uint8_t bit(uint64_t page)
{
    return (uint8_t)(1u << page % 8);
}

bool dirty_log_note(struct dirty_log *log, uint64_t guest_physical)
{
    uint64_t offset = guest_physical - log->first, page = offset / PAGE_SIZE;
    int level;

    if (offset >= log->bytes || !log->on)
        return false;
    __atomic_fetch_or(&log->written[page / 8], bit(page), __ATOMIC_SEQ_CST);
    __atomic_fetch_or(ept_find(log->ept, guest_physical, &level), EPT_WRITE, __ATOMIC_SEQ_CST);
    return true;
}

bool dirty_log_has(const struct dirty_log *log, uint64_t guest_physical)
{
    uint64_t offset = guest_physical - log->first, page = offset / PAGE_SIZE;

    return offset < log->bytes && log->written[page / 8] & bit(page);
}
