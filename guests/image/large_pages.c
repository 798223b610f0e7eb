/* SPDX-License-Identifier: MIT */
#include "large_pages.h"

#define WORDS(pages)  WORDS_(pages)
#define WORDS_(pages) "takes a fresh page a sample: at most " #pages " samples"

struct kind {
    uint32_t flags; /* ROW_*, any of them */
    uint32_t pages; /* that there are */
    const char *too_many;
    unsigned level; /* 0: of 4 KiB, which are there always */
    uint64_t first, page_bytes;
    const char *no_such_page, *no_memory;
};

static const struct kind kinds[] = {
    {ROW_DEMAND | ROW_LOGGED, GUEST_DEMAND_PAGES, WORDS(GUEST_DEMAND_PAGES), 0, 0, 0, NULL, NULL},
    {ROW_DEMAND_2M, GUEST_2M_PAGES, WORDS(GUEST_2M_PAGES), 1, GUEST_2M_BASE, 1ull << 21,
     "this CPU has no EPT pages of 2 MiB",
     "this machine has no 2 MiB of memory in one piece to give to the guest"},
    {ROW_DEMAND_1G, GUEST_1G_PAGES, WORDS(GUEST_1G_PAGES), 2, GUEST_1G_BASE, 1ull << 30,
     "this CPU has no EPT pages of 1 GiB",
     "this machine has no 1 GiB of memory in one piece to give to the guest"},
};

/*
 * One host page behind all of the region's: it is the guest's own, and no other guest's until it is
 * zeroed with its next allocation, so nothing leaks by its being there many times.
 */
static const char *provide(struct room *room, const struct kind *kind)
{
    const struct ept *ept = &room->ept;
    uint64_t bytes = kind->pages * kind->page_bytes;

    if ((kind->first + bytes - 1) >> ept->physical_bits)
        return "this CPU's physical addresses are too narrow for so many large pages";
    void *page = platform_pages_allocate(kind->page_bytes / PAGE_SIZE, kind->page_bytes);
    if (!page)
        return kind->no_memory;
    if (!demand_add_large(&room->demand, kind->first, bytes, kind->level,
                          platform_physical(page))) {
        platform_pages_free(page, kind->page_bytes / PAGE_SIZE);
        return "no memory for the EPT tables of large pages on demand";
    }
    room->large = (struct room_large){page, kind->page_bytes / PAGE_SIZE, kind->first};
    return NULL;
}

void large_pages_withdraw(struct room *room)
{
    if (!room->large.page)
        return;
    demand_remove(&room->demand, room->large.first); /* room_furnish() has seen that it can */
    platform_pages_free(room->large.page, room->large.pages);
    room->large = (struct room_large){0};
}

const char *large_pages_provide(struct room *room, const struct blob_row *row,
                                const struct plan_job *job)
{
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const struct kind *kind = &kinds[i];
        if (!(row->flags & kind->flags))
            continue;
        if (kind->level > room->ept.largest_level)
            return kind->no_such_page;
        const char *lack = kind->level ? provide(room, kind) : NULL;
        if (!lack && (job->samples > kind->pages || job->count_samples > kind->pages)) {
            large_pages_withdraw(room);
            lack = kind->too_many;
        }
        return lack;
    }
    return NULL;
}
