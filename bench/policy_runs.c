/* SPDX-License-Identifier: MIT */
#include "policy_runs.h"

#include "policy_bitmap.h"
#include "text.h"

#include <stdlib.h>

/* Where the numbers are that have bits; ports in one part. */
static const struct {
    uint32_t first, last;
} parts[NUMBER_SPACES][2] = {
    [NUMBERS_MSR] = {{0, MSR_RANGE_SIZE - 1}, {MSR_HIGH_BASE, MSR_HIGH_BASE + MSR_RANGE_SIZE - 1}},
    [NUMBERS_IO] = {{0, 0xffff}, {1, 0}},
};

struct found {
    struct access_run *runs;
    size_t count, room;
};

static void add(struct found *found, struct access_run run, bool goes_on)
{
    if (goes_on) {
        found->runs[found->count - 1].last = run.last;
        return;
    }
    if (found->count == found->room) {
        found->room = found->room ? 2 * found->room : 16;
        struct access_run *more = zeroed(found->room, sizeof(*more));
        for (size_t i = 0; i < found->count; i++)
            more[i] = found->runs[i];
        free(found->runs);
        found->runs = more;
    }
    found->runs[found->count++] = run;
}

static int in_order(const void *a, const void *b)
{
    const struct access_run *left = a, *right = b;
    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    if (left->last != right->last)
        return left->last < right->last ? -1 : 1;
    return (int)left->access - (int)right->access;
}

/* What stands there for reads and for writes becomes one. */
static void join(struct found *found)
{
    size_t kept = 0;
    for (size_t i = 0; i < found->count; i++) {
        struct access_run *last = kept ? &found->runs[kept - 1] : NULL, run = found->runs[i];
        if (last && last->first == run.first && last->last == run.last)
            last->access |= run.access;
        else
            found->runs[kept++] = run;
    }
    found->count = kept;
}

size_t runs_find(enum number_space space, uint32_t first, uint32_t last, run_holds *holds,
                 const void *context, struct access_run **runs)
{
    struct found found = {0};
    for (int write = 0; write < (space == NUMBERS_MSR ? 2 : 1); write++) {
        unsigned access = space == NUMBERS_IO ? ACCESS_BOTH : write ? ACCESS_WRITE : ACCESS_READ;
        for (int part = 0; part < 2; part++) {
            bool before = false;
            uint32_t from = parts[space][part].first, to = parts[space][part].last;
            from = first > from ? first : from;
            to = last < to ? last : to;
            for (uint64_t number = from; number <= to; number++) {
                struct access_run run = {(uint32_t)number, (uint32_t)number, access};
                bool now = holds(context, space, run.first, write, &run.last);
                run.last = run.last < to ? run.last : to;
                if (now)
                    add(&found, run, before);
                before = now;
                number = run.last;
            }
        }
    }
    if (found.count)
        qsort(found.runs, found.count, sizeof(*found.runs), in_order);
    join(&found);
    *runs = found.runs;
    return found.count;
}

const char *access_text(unsigned access)
{
    static const char *const texts[] = {"", "r", "w", "rw"};
    return texts[access & ACCESS_BOTH];
}
