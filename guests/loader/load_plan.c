/* SPDX-License-Identifier: MIT */
#include "load_plan.h"

#include "../../core/boot/string.h"

struct text {
    char *at;
    uint64_t left; /* without the NUL */
};

static void put(char c, void *context)
{
    struct text *text = context;

    if (text->left) {
        *text->at++ = c;
        *text->at = '\0';
        text->left--;
    }
}

const char *load_refuse(struct load_plan *plan, const char *format, ...)
{
    struct text text = {plan->result->text, LOAD_TEXT - 1};
    va_list arguments;

    plan->result->text[0] = '\0';
    va_start(arguments, format);
    string_format(put, &text, format, arguments);
    va_end(arguments);
    return plan->result->text;
}

const char *load_check_map(struct load_plan *plan)
{
    const struct load_request *request = plan->request;

    if (!request->map_count || request->map_count > LOAD_RANGES_MAX)
        return load_refuse(plan, "the memory map has %u ranges; it takes 1 to %u",
                           request->map_count, LOAD_RANGES_MAX);
    for (unsigned i = 0; i < request->map_count; i++)
        if (request->map[i].start >= request->map[i].end)
            return load_refuse(plan, "range %u of the memory map, 0x%lx-0x%lx, is empty", i,
                               request->map[i].start, request->map[i].end);
    return NULL;
}

/* How far the RAM at an address reaches by one look at each range; the address itself: it is none.
 */
static uint64_t ram_reaches(const struct load_plan *plan, uint64_t at)
{
    uint64_t end = at, bound = UINT64_MAX;

    for (unsigned i = 0; i < plan->request->map_count; i++) {
        const struct load_range *range = &plan->request->map[i];
        if (range->type == LOAD_RAM && range->start <= at && range->end > end)
            end = range->end;
        if (range->type != LOAD_RAM && range->end > at && range->start < bound)
            bound = range->start;
    }
    return end < bound ? end : bound > at ? bound : at;
}

uint64_t load_ram_end(const struct load_plan *plan, uint64_t at, uint64_t end)
{
    while (at < end) {
        uint64_t next = ram_reaches(plan, at);
        if (next == at)
            return at;
        at = next;
    }
    return end;
}

/* The first address behind a gap in the RAM, or end. */
static uint64_t gap_end(const struct load_plan *plan, uint64_t gap, uint64_t end)
{
    uint64_t first = end;

    for (unsigned i = 0; i < plan->request->map_count; i++) {
        const struct load_range *range = &plan->request->map[i];
        uint64_t edge = range->type == LOAD_RAM ? range->start : range->end;
        if (edge > gap && edge < first && ram_reaches(plan, edge) > edge)
            first = edge;
    }
    return first;
}

static const struct load_piece *overlapped(const struct load_plan *plan, uint64_t start,
                                           uint64_t end)
{
    for (unsigned i = 0; i < plan->result->piece_count; i++) {
        const struct load_piece *piece = &plan->result->pieces[i];
        if (start < piece->to + piece->room && piece->to < end)
            return piece;
    }
    return NULL;
}

static bool is_free(const struct load_plan *plan, uint64_t start, uint64_t room)
{
    return start >= LOAD_PAGE && load_within(start, room, LOAD_LIMIT) &&
           load_ram_end(plan, start, start + room) == start + room &&
           !overlapped(plan, start, start + room);
}

const char *load_put(struct load_plan *plan, const struct load_wish *wish, uint64_t at)
{
    struct load_result *result = plan->result;

    if (!load_within(at, wish->room, LOAD_LIMIT))
        return load_refuse(plan, "%s wants 0x%lx bytes from 0x%lx on, which is not below 4 GiB",
                           wish->what, wish->room, at);
    uint64_t end = at + wish->room;
    if (at < LOAD_PAGE)
        return load_refuse(plan, "%s wants 0x%lx-0x%lx; the first page stays as it is", wish->what,
                           at, end);
    uint64_t gap = load_ram_end(plan, at, end);
    if (gap < end)
        return load_refuse(plan,
                           "%s wants 0x%lx-0x%lx, of which 0x%lx-0x%lx is not RAM for the guest "
                           "(the core or the firmware has it)",
                           wish->what, at, end, gap, gap_end(plan, gap, end));
    const struct load_piece *other = overlapped(plan, at, end);
    if (other)
        return load_refuse(plan, "%s wants 0x%lx-0x%lx, and so does another part: 0x%lx-0x%lx",
                           wish->what, at, end, other->to, other->to + other->room);
    if (result->piece_count == LOAD_PIECES_MAX)
        return load_refuse(plan,
                           "the image has too many segments: it would take more than %u pieces",
                           LOAD_PIECES_MAX);
    result->pieces[result->piece_count++] =
        (struct load_piece){at, wish->size, wish->from, wish->from_size, wish->room};
    return NULL;
}

/* Takes the address next to an edge, inside the wish's bounds, if it is free and better. */
static void consider(const struct load_plan *plan, const struct load_wish *wish, uint64_t edge,
                     bool *found, uint64_t *at)
{
    uint64_t max = wish->max < LOAD_LIMIT ? wish->max : LOAD_LIMIT;
    uint64_t candidate;

    if (wish->high) {
        edge = edge < max ? edge : max;
        if (edge < wish->room)
            return;
        candidate = (edge - wish->room) & -wish->align;
    } else {
        edge = edge > wish->min ? edge : wish->min;
        if (edge > max)
            return;
        candidate = (edge + wish->align - 1) & -wish->align;
    }
    if (*found && (wish->high ? candidate <= *at : candidate >= *at))
        return;
    if (candidate < wish->min || !load_within(candidate, wish->room, max) ||
        !is_free(plan, candidate, wish->room))
        return;
    *found = true;
    *at = candidate;
}

/*
 * The best address is beside where a range or a piece starts or ends, or the first page ends; or
 * beside a bound of the wish, which what lies behind it is taken to.
 */
bool load_find(const struct load_plan *plan, const struct load_wish *wish, uint64_t *at)
{
    bool found = false;

    consider(plan, wish, LOAD_PAGE, &found, at);
    for (unsigned i = 0; i < plan->request->map_count; i++) {
        consider(plan, wish, plan->request->map[i].start, &found, at);
        consider(plan, wish, plan->request->map[i].end, &found, at);
    }
    for (unsigned i = 0; i < plan->result->piece_count; i++) {
        const struct load_piece *piece = &plan->result->pieces[i];
        consider(plan, wish, wish->high ? piece->to : piece->to + piece->room, &found, at);
    }
    return found;
}

const char *load_place(struct load_plan *plan, const struct load_wish *wish, uint64_t *at)
{
    uint64_t max = wish->max < LOAD_LIMIT ? wish->max : LOAD_LIMIT;

    if (!load_find(plan, wish, at))
        return load_refuse(plan, "%s wants 0x%lx bytes, and 0x%lx-0x%lx has no such room for it",
                           wish->what, wish->room, wish->min, max);
    return load_put(plan, wish, *at);
}
