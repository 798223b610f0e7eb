/* SPDX-License-Identifier: MIT */
#include "load_start.h"

#include <stddef.h>

/* Segment descriptors, SDM Vol. 3A 3.4.5: base 0, limit 4 GiB, present, DPL 0, accessed. */
#define DESCRIPTOR_CODE_32 0x00cf9b000000ffffull
#define DESCRIPTOR_CODE_64 0x00af9b000000ffffull
#define DESCRIPTOR_DATA    0x00cf93000000ffffull

#define ENTRY_TABLE      0x003ull /* present, writable */
#define ENTRY_LARGE_PAGE 0x083ull /* ... and 2 MiB */
#define LARGE_PAGE       (2 * LOAD_MIB)

/* In 2 MiB pages, which every CPU with long mode has. */
static const char *place_tables(struct load_plan *plan)
{
    uint64_t(*tables)[512] = plan->scratch->tables;
    const struct load_wish wish = {
        .what = "the page tables",
        .room = sizeof(plan->scratch->tables),
        .size = sizeof(plan->scratch->tables),
        .from = tables,
        .from_size = sizeof(plan->scratch->tables),
        .align = LOAD_PAGE,
        .min = LOAD_LOW,
        .max = LOAD_LIMIT,
    };
    uint64_t at;
    const char *wrong = load_place(plan, &wish, &at);

    if (wrong)
        return wrong;
    tables[0][0] = (at + LOAD_PAGE) | ENTRY_TABLE;
    for (unsigned i = 0; i < LOAD_MAP_TABLES - 2; i++)
        tables[1][i] = (at + (i + 2) * LOAD_PAGE) | ENTRY_TABLE;
    for (unsigned i = 0; i < (LOAD_MAP_TABLES - 2) * 512; i++)
        tables[2 + i / 512][i % 512] = i * LARGE_PAGE | ENTRY_LARGE_PAGE;
    plan->result->cr3 = at;
    return NULL;
}

static const char *place_gdt(struct load_plan *plan)
{
    uint64_t *gdt = plan->scratch->gdt;
    const struct load_wish wish = {
        .what = "the GDT",
        .room = sizeof(plan->scratch->gdt),
        .size = sizeof(plan->scratch->gdt),
        .from = gdt,
        .from_size = sizeof(plan->scratch->gdt),
        .align = 8,
        .min = LOAD_LOW,
        .max = LOAD_LIMIT,
    };

    gdt[LOAD_CS / 8] =
        plan->result->start == LOAD_START_LONG ? DESCRIPTOR_CODE_64 : DESCRIPTOR_CODE_32;
    gdt[LOAD_DS / 8] = DESCRIPTOR_DATA;
    plan->result->gdt_limit = sizeof(plan->scratch->gdt) - 1;
    return load_place(plan, &wish, &plan->result->gdt);
}

const char *load_prepare_start(struct load_plan *plan, enum load_start start)
{
    const char *wrong = NULL;

    plan->result->start = start;
    if (start == LOAD_START_LONG)
        wrong = place_tables(plan);
    if (!wrong && start != LOAD_START_REAL) {
        plan->result->cs = LOAD_CS;
        wrong = place_gdt(plan);
    }
    return wrong;
}

const char *load_start_name(enum load_start start)
{
    static const char *const names[LOAD_STARTS] = {
        [LOAD_START_REAL] = "real",
        [LOAD_START_PROTECTED] = "protected",
        [LOAD_START_LONG] = "long",
    };
    return names[start];
}
