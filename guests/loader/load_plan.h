/* SPDX-License-Identifier: MIT */
/* What the loaders share: a load in the making, its pieces, and where they may lie. */
#ifndef EXITMETER_GUESTS_LOADER_LOAD_PLAN_H
#define EXITMETER_GUESTS_LOADER_LOAD_PLAN_H

#include "loader.h"

#include <asm/bootparam.h>

#define LOAD_PAGE 4096ul
#define LOAD_MIB  (1ul << 20)

/* Small structures go above what real-mode software and start-up code of other CPUs likes. */
#define LOAD_LOW 0x10000ul

#define LOAD_MAP_TABLES      6u /* PML4, PDPT, and a page directory a GiB */
#define LOAD_INFORMATION_MAX 12288u

/* What a load composes. Whatever it is, it fits: every part of it is bounded. */
struct load_scratch {
    uint64_t tables[LOAD_MAP_TABLES][512];
    uint64_t gdt[4];
    union {
        struct boot_params zero_page;
        uint8_t information[LOAD_INFORMATION_MAX]; /* of multiboot */
    };
};

struct load_plan {
    const struct load_request *request;
    struct load_result *result;
    struct load_scratch *scratch; /* zeroed */
};

/* Writes result->text, as string_format() has it, and returns it. */
const char *load_refuse(struct load_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3), returns_nonnull));

/* Whether the map is one: ranges that end behind their start, not too many. NULL, or why not. */
const char *load_check_map(struct load_plan *plan);

/* Where the RAM that is at an address ends: the first address from there on that is not, or end. */
uint64_t load_ram_end(const struct load_plan *plan, uint64_t at, uint64_t end);

struct load_wish {
    const char *what;   /* for messages */
    uint64_t room;      /* bytes, not 0 */
    uint64_t size;      /* of them to write; from_size at least, room at most */
    const void *from;   /* NULL: zeros */
    uint64_t from_size; /* 0 without from */
    uint64_t align;     /* power of 2 */
    uint64_t min, max;  /* it lies in [min, max) */
    bool high;          /* as high as can be, else as low */
};

/* Makes a piece of it at an address, align, min and max aside. NULL, or why it cannot lie there. */
const char *load_put(struct load_plan *plan, const struct load_wish *wish, uint64_t at);

/* Chooses the address that load_put() will take; false if there is none. */
bool load_find(const struct load_plan *plan, const struct load_wish *wish, uint64_t *at);

/* Both, the address in *at. */
const char *load_place(struct load_plan *plan, const struct load_wish *wish, uint64_t *at);

/* Overflow-safe: whether [offset, offset + size) lies in that many bytes. */
static inline bool load_within(uint64_t offset, uint64_t size, uint64_t bytes)
{
    return offset <= bytes && size <= bytes - offset;
}

static inline bool load_power_of_2(uint64_t value)
{
    return value && !(value & (value - 1));
}

#endif
