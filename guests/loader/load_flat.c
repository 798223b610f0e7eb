/* SPDX-License-Identifier: MIT */
/* A flat image: its bytes at an address, entered at the first, with a page of stack. */
#include "load_kinds.h"
#include "load_start.h"

#include <stddef.h>

#define BOOT_SECTOR     0x7c00ull
#define REAL_MODE_LIMIT LOAD_MIB
/* SS is 0 in real mode, so the stack ends below 64 KiB. */
#define REAL_STACK_END 0xf000ull
#define IP_LIMIT       0x10000ull

static const char *place_stack(struct load_plan *plan)
{
    bool real = plan->result->start == LOAD_START_REAL;
    const struct load_wish wish = {
        .what = "the stack",
        .room = LOAD_PAGE,
        .size = LOAD_PAGE,
        .align = LOAD_PAGE,
        .min = real ? LOAD_PAGE : LOAD_LOW,
        .max = real ? REAL_STACK_END : LOAD_LIMIT,
        .high = real,
    };
    uint64_t at;
    const char *wrong = load_place(plan, &wish, &at);

    if (!wrong)
        plan->result->rsp = at + LOAD_PAGE;
    return wrong;
}

const char *load_flat(struct load_plan *plan)
{
    const struct load_request *request = plan->request;
    struct load_result *result = plan->result;
    bool real = request->start == LOAD_START_REAL;
    uint64_t at = request->flat_address;

    if (request->initrd)
        return load_refuse(plan, "a flat image takes no initial RAM disk");
    if (request->cmdline)
        return load_refuse(plan, "a flat image takes no command line");
    if (!at)
        at = real ? BOOT_SECTOR : LOAD_MIB;
    if (real && !load_within(at, request->image_size, REAL_MODE_LIMIT))
        return load_refuse(plan,
                           "a flat image of 0x%lx bytes at 0x%lx does not lie below 1 MiB, which "
                           "is all that real mode reaches",
                           request->image_size, at);
    const struct load_wish wish = {
        .what = "the image",
        .room = request->image_size,
        .size = request->image_size,
        .from = request->image,
        .from_size = request->image_size,
    };
    const char *wrong = load_put(plan, &wish, at);
    if (!wrong)
        wrong = load_prepare_start(plan, request->start);
    if (!wrong)
        wrong = place_stack(plan);
    if (wrong)
        return wrong;
    result->rip = at;
    if (real && at >= IP_LIMIT) {
        result->cs = (uint16_t)(at >> 4);
        result->rip = at & 15;
    }
    return NULL;
}
