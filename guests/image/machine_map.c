/* SPDX-License-Identifier: MIT */
#include "machine_map.h"

#include "../../core/platform.h"

#define BITS_MOST_LARGE 46u /* with 1 GiB pages the tables take half a megabyte, */
#define BITS_MOST       40u /* without 4 MiB */
#define LEVEL_1_GIB     2u

static bool put(struct load_range *ranges, unsigned *count, struct load_range range)
{
    if (range.start >= range.end)
        return true;
    if (*count == LOAD_RANGES_MAX)
        return false;
    ranges[(*count)++] = range;
    return true;
}

static uint64_t lower(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t higher(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

unsigned machine_memory(const struct boot_memory *map, size_t map_count, struct memory_range core,
                        struct load_range *ranges)
{
    unsigned count = 0;

    for (size_t i = 0; i < map_count; i++) {
        const struct memory_range *of = &map[i].range;
        if (!put(ranges, &count,
                 (struct load_range){of->start, lower(of->end, core.start), map[i].type}) ||
            !put(ranges, &count,
                 (struct load_range){higher(of->start, core.end), of->end, map[i].type}))
            return 0;
    }
    return put(ranges, &count, (struct load_range){core.start, core.end, LOAD_RESERVED}) ? count
                                                                                         : 0;
}

uint64_t machine_ram(const struct load_range *ranges, unsigned count)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < count; i++)
        if (ranges[i].type == LOAD_RAM)
            bytes += ranges[i].end - ranges[i].start;
    return bytes;
}

/* By whole pages: one that is memory in part is memory. */
static struct memory_range pages_of(const struct load_range *range)
{
    const uint64_t mask = PAGE_SIZE - 1;

    return (struct memory_range){range->start & ~mask,
                                 higher(range->end, range->end + mask) & ~mask};
}

static bool is_memory(const struct load_range *range)
{
    return range->type == LOAD_RAM || range->type == LOAD_ACPI || range->type == LOAD_NVS;
}

/* The type at an address, and where the next one may begin. */
static enum ept_memory_type type_at(const struct load_range *ranges, unsigned count,
                                    uint64_t address, uint64_t *next)
{
    enum ept_memory_type type = EPT_UNCACHEABLE;

    for (unsigned i = 0; i < count; i++) {
        struct memory_range pages = pages_of(&ranges[i]);
        if (!is_memory(&ranges[i]))
            continue;
        if (address < pages.start)
            *next = lower(*next, pages.start);
        else if (address < pages.end) {
            *next = lower(*next, pages.end);
            type = EPT_WRITE_BACK;
        }
    }
    return type;
}

bool machine_map(struct ept *ept, const struct load_range *ranges, unsigned count,
                 struct memory_range core, unsigned physical_bits)
{
    unsigned most = ept->largest_level >= LEVEL_1_GIB ? BITS_MOST_LARGE : BITS_MOST;
    const uint64_t end = 1ull << (physical_bits < most ? physical_bits : most);

    for (uint64_t at = 0; at < end;) {
        uint64_t next = at < core.start ? lower(end, core.start) : end;
        if (at >= core.start && at < core.end) {
            at = core.end;
            continue;
        }
        enum ept_memory_type type = type_at(ranges, count, at, &next);
        if (!ept_map_as(ept, at, at, next - at, EPT_ALL, type))
            return false;
        at = next;
    }
    return true;
}
