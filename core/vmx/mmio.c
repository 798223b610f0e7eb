/* SPDX-License-Identifier: MIT */
#include "mmio.h"

#include "../platform.h"
#include "ept.h"

bool mmio_add(struct mmio *mmio, uint64_t first, uint64_t bytes, mmio_handler *handler,
              void *context)
{
    if (!bytes || (first | bytes) % PAGE_SIZE || first + bytes - 1 < first ||
        mmio->count == MMIO_RANGES_MAX)
        return false;
    for (unsigned i = 0; i < mmio->count; i++) {
        const struct mmio_range *range = &mmio->ranges[i];
        if (first - range->first < range->bytes || range->first - first < bytes)
            return false;
    }
    mmio->ranges[mmio->count++] = (struct mmio_range){first, bytes, handler, context};
    return true;
}

bool mmio_add_trapped(struct mmio *mmio, struct ept *ept, uint64_t first, uint64_t bytes,
                      mmio_handler *handler, void *context)
{
    if (!mmio_add(mmio, first, bytes, handler, context))
        return false;
    if (ept_trap(ept, first, bytes))
        return true;
    mmio->count--;
    return false;
}

const struct mmio_range *mmio_find(const struct mmio *mmio, uint64_t guest_physical)
{
    for (unsigned i = 0; mmio && i < mmio->count; i++)
        if (guest_physical - mmio->ranges[i].first < mmio->ranges[i].bytes)
            return &mmio->ranges[i];
    return NULL;
}
