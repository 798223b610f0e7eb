/* SPDX-License-Identifier: MIT */
#include "memory.h"

#include "../platform.h"
#include "spinlock.h"
#include "string.h"

#define LOWEST    0x100000ull
#define PAGES_MAX (1u << 19) /* 2 GiB: 1 GiB at a multiple of that is the most ever asked for */

static struct memory_range pool;
static uint8_t page_taken[PAGES_MAX];
static size_t free_pages;
static struct spinlock lock; /* over these two */

static uint64_t page_up(uint64_t address)
{
    return (address + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
}

/*
 * The stretch of usable memory that starts at from and meets none of the taken ranges; empty where
 * from is taken itself.
 */
static struct memory_range stretch(const struct memory_range *usable, uint64_t from,
                                   const struct memory_range *taken, size_t taken_count)
{
    struct memory_range found = {from, usable->end & ~(PAGE_SIZE - 1)};

    for (size_t i = 0; i < taken_count; i++) {
        if (taken[i].start >= taken[i].end || taken[i].end <= from || taken[i].start >= found.end)
            continue;
        found.end = taken[i].start > from ? taken[i].start & ~(PAGE_SIZE - 1) : from;
    }
    return found.end > found.start ? found : (struct memory_range){0};
}

/* Calls take(context, stretch) for each stretch of usable memory that begins where one can. */
static void each_stretch(const struct boot_information *information,
                         const struct memory_range *taken, size_t taken_count,
                         void (*take)(void *context, struct memory_range stretch), void *context)
{
    /* One starts where a usable range does, at 1 MiB, or where a taken one ends. */
    for (size_t i = 0; i < information->usable_count; i++) {
        const struct memory_range *usable = &information->usable[i];
        uint64_t lowest = usable->start > LOWEST ? usable->start : LOWEST;
        take(context, stretch(usable, page_up(lowest), taken, taken_count));
        for (size_t j = 0; j < taken_count; j++)
            if (taken[j].end >= lowest && taken[j].end < usable->end)
                take(context, stretch(usable, page_up(taken[j].end), taken, taken_count));
    }
}

static void take_largest(void *context, struct memory_range candidate)
{
    struct memory_range *largest = context;

    if (candidate.end - candidate.start > largest->end - largest->start)
        *largest = candidate;
}

const char *memory_start(const struct boot_information *information,
                         const struct memory_range *taken, size_t taken_count)
{
    pool = (struct memory_range){0};
    each_stretch(information, taken, taken_count, take_largest, &pool);
    memory_start_in(pool);
    return pool.end > pool.start ? NULL : "no usable memory above 1 MiB";
}

struct wanted {
    uint64_t bytes;
    struct memory_range best;
};

static void take_smallest(void *context, struct memory_range candidate)
{
    struct wanted *wanted = context;
    uint64_t size = candidate.end - candidate.start, best = wanted->best.end - wanted->best.start;

    if (size >= wanted->bytes && (!best || size < best))
        wanted->best = candidate;
}

struct memory_range memory_find(const struct boot_information *information, uint64_t bytes,
                                const struct memory_range *taken, size_t taken_count)
{
    struct wanted wanted = {.bytes = bytes};

    each_stretch(information, taken, taken_count, take_smallest, &wanted);
    if (wanted.best.end > wanted.best.start)
        wanted.best.start = wanted.best.end - bytes;
    return wanted.best;
}

void memory_start_in(struct memory_range pages)
{
    pool = pages;
    memset(page_taken, 0, sizeof(page_taken));
    if (pool.end - pool.start > PAGES_MAX * PAGE_SIZE)
        pool.end = pool.start + PAGES_MAX * PAGE_SIZE;
    free_pages = (pool.end - pool.start) / PAGE_SIZE;
}

bool memory_is_usable(const struct boot_information *information, struct memory_range range)
{
    for (size_t i = 0; i < information->usable_count; i++)
        if (information->usable[i].start <= range.start && range.end <= information->usable[i].end)
            return true;
    return false;
}

/* The lock is held. */
static void *claim(size_t count, uint64_t alignment)
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
            free_pages -= count;
            return pages;
        }
        at = pool.start + (first + free + 1) * PAGE_SIZE;
        at = (at + alignment - 1) & ~(alignment - 1);
        first = (at - pool.start) / PAGE_SIZE;
    }
    return NULL;
}

void *memory_claim(size_t count, uint64_t alignment)
{
    uint64_t flags = spinlock_take(&lock);
    void *pages = claim(count, alignment);

    spinlock_release(&lock, flags);
    return pages;
}

void *platform_pages_allocate(size_t count, uint64_t alignment)
{
    void *pages = memory_claim(count, alignment);

    if (pages)
        memset(pages, 0, count * PAGE_SIZE);
    return pages;
}

void platform_pages_free(void *pages, size_t count)
{
    if (!pages)
        return;
    uint64_t flags = spinlock_take(&lock);
    memset(page_taken + ((uint64_t)pages - pool.start) / PAGE_SIZE, 0, count);
    free_pages += count;
    spinlock_release(&lock, flags);
}

size_t memory_free_pages(void)
{
    return __atomic_load_n(&free_pages, __ATOMIC_RELAXED);
}

/* The image runs on the identity map of boot/start.S. */
uint64_t platform_physical(const void *address)
{
    return (uint64_t)address;
}

void *platform_at(uint64_t physical)
{
    return physical < MEMORY_REACHABLE ? (void *)physical : NULL;
}
