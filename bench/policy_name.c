/* SPDX-License-Identifier: MIT */
#include "policy_name.h"

#include "text.h"

#include <stdlib.h>
#include <strings.h>

/* As the lists have them: a series is one entry. */
struct listed {
    uint32_t first, last, step, count;
    const char *name, *after;
};

static const struct listed msrs[] = {
#define MSR(number, name)                             {number, number, 0, 1, name, NULL},
#define MSR_RANGE_NAMED(first, last, name)            {first, last, 0, 1, name, NULL},
#define MSR_SERIES(first, step, count, before, after) {first, first, step, count, before, after},
#include "msr_list.h"
#include "msr_model_list.h"
};

static const struct listed ports[] = {
#define PORTS(first, last, name) {first, last, 0, 1, name, NULL},
#include "port_list.h"
};

/* Of one space, every name by itself. */
struct names {
    struct named_range *ranges;
    const char **names;
    const struct named_range **sorted; /* by numbers; of the same ones, as listed */
    size_t count;
};

static struct names spaces[NUMBER_SPACES];

static void add(struct names *names, const struct listed *listed)
{
    for (uint32_t i = 0; i < listed->count; i++) {
        struct named_range *range = &names->ranges[names->count];
        range->first = listed->first + i * listed->step;
        range->last = listed->last + i * listed->step;
        range->name = listed->after ? text("%s%u%s", listed->name, i, listed->after) : listed->name;
        names->names[names->count++] = range->name;
    }
}

static int in_order(const void *a, const void *b)
{
    const struct named_range *left = *(const struct named_range *const *)a;
    const struct named_range *right = *(const struct named_range *const *)b;
    if (left->first != right->first)
        return left->first < right->first ? -1 : 1;
    if (left->last != right->last)
        return left->last < right->last ? -1 : 1;
    return left < right ? -1 : left > right;
}

static void spread(struct names *names, const struct listed *listed, size_t entries)
{
    size_t count = 0;
    for (size_t i = 0; i < entries; i++)
        count += listed[i].count;
    names->ranges = zeroed(count, sizeof(*names->ranges));
    names->names = zeroed(count, sizeof(*names->names));
    for (size_t i = 0; i < entries; i++)
        add(names, &listed[i]);
    names->sorted = zeroed(count, sizeof(*names->sorted));
    for (size_t i = 0; i < count; i++)
        names->sorted[i] = &names->ranges[i];
    qsort(names->sorted, count, sizeof(*names->sorted), in_order);
}

static const struct names *names_of(enum number_space space)
{
    struct names *names = &spaces[space];
    if (!names->count && space == NUMBERS_MSR)
        spread(names, msrs, sizeof(msrs) / sizeof(msrs[0]));
    else if (!names->count)
        spread(names, ports, sizeof(ports) / sizeof(ports[0]));
    return names;
}

size_t name_ranges(enum number_space space, const char *name,
                   struct named_range ranges[NAME_RANGES_MAX])
{
    const struct names *names = names_of(space);
    size_t found = 0;
    for (size_t i = 0; i < names->count && found < NAME_RANGES_MAX; i++)
        if (strcasecmp(names->names[i], name) == 0)
            ranges[found++] = names->ranges[i];
    return found;
}

const struct named_range *name_table(enum number_space space, size_t *count)
{
    *count = names_of(space)->count;
    return names_of(space)->ranges;
}

const char *const *name_list(enum number_space space, size_t *count)
{
    *count = names_of(space)->count;
    return names_of(space)->names;
}

const char *name_of_range(enum number_space space, uint32_t first, uint32_t last)
{
    const struct names *names = names_of(space);
    struct named_range ranges[NAME_RANGES_MAX];
    size_t low = 0, high = names->count;

    while (low < high) { /* those below low are less, those from high on are not */
        size_t middle = (low + high) / 2;
        const struct named_range *range = names->sorted[middle];
        if (range->first < first || (range->first == first && range->last < last))
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < names->count; low++) {
        const struct named_range *range = names->sorted[low];
        if (range->first != first || range->last != last)
            break;
        if (name_ranges(space, range->name, ranges) == 1)
            return range->name;
    }
    return NULL;
}

/* The first name, of those that may stand for more, that has all these numbers; or NULL. */
static const char *name_around(enum number_space space, uint32_t first, uint32_t last)
{
    const struct names *names = names_of(space);
    for (size_t i = 0; i < names->count; i++)
        if (names->ranges[i].first <= first && names->ranges[i].last >= last)
            return names->names[i];
    return NULL;
}

char *range_text(enum number_space space, uint32_t first, uint32_t last)
{
    const char *name = name_of_range(space, first, last);
    const char *low = name_of_range(space, first, first);
    const char *high = name_of_range(space, last, last);
    char *numbers = first == last ? text("0x%x", first) : text("0x%x-0x%x", first, last);
    char *whole;

    if (!name && low && high)
        whole = text("%s %s to %s", numbers, low, high);
    else {
        name = name ? name : name_around(space, first, last);
        whole = text("%s%s%s", numbers, name ? " " : "", name ? name : "");
    }
    free(numbers);
    return whole;
}
