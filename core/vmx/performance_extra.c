/* SPDX-License-Identifier: MIT */
#include "performance_extra.h"

#include <stddef.h>

static const uint32_t allowed[] = {0x1a6, 0x1a7, 0x3f7};

_Static_assert(sizeof(allowed) / sizeof(allowed[0]) == PERFORMANCE_EXTRAS, "each can be saved");

/* Its place in the list; PERFORMANCE_EXTRAS if it is not there. */
static unsigned place_of(uint32_t msr)
{
    unsigned place = 0;

    while (place < PERFORMANCE_EXTRAS && allowed[place] != msr)
        place++;
    return place;
}

const char *performance_extra_refuses(const struct performance_event *event)
{
    if (!event->extra_msr || place_of(event->extra_msr) < PERFORMANCE_EXTRAS)
        return NULL;
    return "the MSR that it needs is none that may be written for an event";
}

bool performance_extra_set(struct performance *performance, const struct performance_event *event,
                           struct performance_fault *fault)
{
    unsigned place = place_of(event->extra_msr);

    if (!event->extra_msr || place == PERFORMANCE_EXTRAS)
        return !event->extra_msr;
    struct performance_extra *extra = &performance->extras[place];
    if (!extra->is_saved) {
        if (!performance_read(event->extra_msr, &extra->saved, fault))
            return false;
        extra->is_saved = true;
    } else if (extra->is_set) {
        if (extra->value == event->extra_value)
            return true;
        *fault =
            (struct performance_fault){"its MSR holds another event's value", event->extra_msr};
        return false;
    }
    extra->is_set = performance_write(event->extra_msr, event->extra_value, fault);
    extra->value = event->extra_value;
    return extra->is_set;
}

bool performance_extra_put_back(struct performance *performance, struct performance_fault *fault)
{
    bool done = true;

    for (unsigned place = 0; place < PERFORMANCE_EXTRAS; place++) {
        struct performance_extra *extra = &performance->extras[place];
        if (extra->is_saved)
            done &= performance_write(allowed[place], extra->saved, fault);
        *extra = (struct performance_extra){0};
    }
    return done;
}
