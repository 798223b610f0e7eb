/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "../platform.h"
#include "string.h"

#define LOWEST    0x100000ull
#define PAGES_MAX (1u << 18) /* 1 GiB is more than the image ever needs */

static struct memory_range pool;
static uint8_t page_taken[PAGES_MAX];

/* Narrows range to its larger part outside of taken. */
static struct memory_range without(struct memory_range range, struct memory_range taken)
{
    if (taken.end <= range.start || taken.start >= range.end)
        return range;
    struct memory_range below = {range.start, taken.start}, above = {taken.end, range.end};
    uint64_t below_size = taken.start > range.start ? taken.start - range.start : 0;
    uint64_t above_size = taken.end < range.end ? range.end - taken.end : 0;
    if (below_size >= above_size)
        return (struct memory_range){below.start, below.start + below_size};
    return above;
}

const char *memory_start(const struct boot_information *information,
                         const struct memory_range *taken, size_t taken_count)
{
    pool = (struct memory_range){0};
    for (size_t i = 0; i < information->usable_count; i++) {
        struct memory_range range = information->usable[i];
        range = without(range, (struct memory_range){0, LOWEST});
        for (size_t j = 0; j < taken_count; j++)
            range = without(range, taken[j]);
        range.start = (range.start + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        range.end &= ~(PAGE_SIZE - 1);
        if (range.end > range.start && range.end - range.start > pool.end - pool.start)
            pool = range;
    }
    if (pool.end - pool.start > PAGES_MAX * PAGE_SIZE)
        pool.end = pool.start + PAGES_MAX * PAGE_SIZE;
    return pool.end > pool.start ? NULL : "no usable memory above 1 MiB";
}

bool memory_is_usable(const struct boot_information *information, struct memory_range range)
{
    for (size_t i = 0; i < information->usable_count; i++)
        if (information->usable[i].start <= range.start && range.end <= information->usable[i].end)
            return true;
    return false;
}

void *platform_pages_allocate(size_t count, uint64_t alignment)
{
    size_t total = (pool.end - pool.start) / PAGE_SIZE;
    uint64_t at = (pool.start + alignment - 1) & ~(alignment - 1);

    for (size_t first = (at - pool.start) / PAGE_SIZE; first + count <= total;) {
        size_t free = 0;
        while (free < count && !page_taken[first + free])
            free++;
        if (free == count) {
            void *pages = (void *)(pool.start + first * PAGE_SIZE);
            memset(page_taken + first, 1, count);
            memset(pages, 0, count * PAGE_SIZE);
            return pages;
        }
        at = pool.start + (first + free + 1) * PAGE_SIZE;
        at = (at + alignment - 1) & ~(alignment - 1);
        first = (at - pool.start) / PAGE_SIZE;
    }
    return NULL;
}

void platform_pages_free(void *pages, size_t count)
{
    if (pages)
        memset(page_taken + ((uint64_t)pages - pool.start) / PAGE_SIZE, 0, count);
}

/* The image runs on the identity map of boot/start.S. */
uint64_t platform_physical(const void *address)
{
    return (uint64_t)address;
}

void *platform_at(uint64_t physical)
{
    return (void *)physical;
}
