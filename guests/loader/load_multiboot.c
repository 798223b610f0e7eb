/* SPDX-License-Identifier: MIT */
#include "load_multiboot.h"

#include "load_start.h"

#include "../../core/boot/string.h"

#define LOWER_LIMIT (640ul << 10)

uint32_t load_field(const struct load_request *request, uint64_t offset)
{
    uint32_t value;

    memcpy(&value, (const char *)request->image + offset, sizeof(value));
    return value;
}

const struct load_header_rule load_header_rule_1 = {0x1badb002, 3, 4, 8192};
const struct load_header_rule load_header_rule_2 = {0xe85250d6, 4, 8, 32768};

static uint32_t sum_of(const struct load_request *request, uint64_t at, unsigned fields)
{
    uint32_t sum = 0;

    for (unsigned i = 0; i < fields; i++)
        sum += load_field(request, at + i * 4ul);
    return sum;
}

/* The next place from *at on with the magic number, and with a good sum if that is wanted. */
static bool find(const struct load_request *request, const struct load_header_rule *rule,
                 bool good_sum, uint64_t *at)
{
    uint64_t bytes = request->image_size < rule->search ? request->image_size : rule->search;

    for (*at = 0; load_within(*at, rule->fields * 4ul, bytes); *at += rule->align)
        if (load_field(request, *at) == rule->magic &&
            (!good_sum || !sum_of(request, *at, rule->fields)))
            return true;
    return false;
}

bool load_header_find(const struct load_request *request, const struct load_header_rule *rule,
                      uint64_t *offset)
{
    return find(request, rule, true, offset);
}

const char *load_header_refuse_sum(struct load_plan *plan)
{
    const struct load_header_rule *const rules[] = {&load_header_rule_2, &load_header_rule_1};
    uint64_t at;

    for (unsigned i = 0; i < sizeof(rules) / sizeof(*rules); i++)
        if (find(plan->request, rules[i], false, &at))
            return load_refuse(plan,
                               "the multiboot header at 0x%lx has a wrong checksum: its first %u "
                               "fields add up to 0x%x instead of 0",
                               at, rules[i]->fields, sum_of(plan->request, at, rules[i]->fields));
    return NULL;
}

const char *load_multiboot_check_start(struct load_plan *plan)
{
    const struct load_request *request = plan->request;

    if (request->start_given && request->start != LOAD_START_PROTECTED)
        return load_refuse(plan, "a multiboot kernel starts in protected mode, not in %s mode",
                           load_start_name(request->start));
    return NULL;
}

const char *load_addresses_put(struct load_plan *plan, uint64_t header_offset,
                               const struct load_addresses *addresses)
{
    const struct load_request *request = plan->request;
    uint64_t load = addresses->load, offset = 0;

    if (addresses->load == LOAD_FROM_START) {
        if (addresses->header < header_offset)
            return load_refuse(plan,
                               "multiboot: header address 0x%x is below its offset 0x%lx in the "
                               "file, which is to be loaded from its start",
                               addresses->header, header_offset);
        load = addresses->header - header_offset;
    } else {
        if (addresses->header - load > header_offset)
            return load_refuse(plan,
                               "multiboot: load address 0x%lx does not lie in the file, whose "
                               "offset 0x%lx comes to 0x%x",
                               load, header_offset, addresses->header);
        offset = header_offset - (addresses->header - load);
    }
    uint64_t size = request->image_size - offset;
    if (addresses->load_end) {
        if (addresses->load_end <= load || addresses->load_end - load > size)
            return load_refuse(plan,
                               "multiboot: truncated, or wrong addresses; 0x%lx-0x%x is to be "
                               "loaded, and the file has 0x%lx bytes of it",
                               load, addresses->load_end, size);
        size = addresses->load_end - load;
    }
    uint64_t room = size;
    if (addresses->bss_end) {
        if (addresses->bss_end < load + size)
            return load_refuse(plan, "multiboot: the bss ends at 0x%x, before the data at 0x%lx",
                               addresses->bss_end, load + size);
        room = addresses->bss_end - load;
    }
    if (addresses->entry - load >= room)
        return load_refuse(plan, "multiboot: the entry 0x%x is not in 0x%lx-0x%lx, which is loaded",
                           addresses->entry, load, load + room);
    const struct load_wish wish = {
        .what = "the image",
        .room = room,
        .size = room,
        .from = (const char *)request->image + offset,
        .from_size = size,
    };
    plan->result->rip = addresses->entry;
    return load_put(plan, &wish, load);
}

const char *load_module_place(struct load_plan *plan, uint64_t *at)
{
    const struct load_request *request = plan->request;
    const struct load_wish wish = {
        .what = "the initial RAM disk",
        .room = request->initrd_size,
        .size = request->initrd_size,
        .from = request->initrd,
        .from_size = request->initrd_size,
        .align = LOAD_PAGE,
        .min = LOAD_MIB,
        .max = LOAD_LIMIT,
    };

    *at = 0;
    return request->initrd ? load_place(plan, &wish, at) : NULL;
}

void load_basic_memory(const struct load_plan *plan, uint32_t *lower, uint32_t *upper)
{
    *lower = (uint32_t)(load_ram_end(plan, 0, LOWER_LIMIT) >> 10);
    *upper = (uint32_t)((load_ram_end(plan, LOAD_MIB, LOAD_LIMIT) - LOAD_MIB) >> 10);
}

const char *load_information_place(struct load_plan *plan, uint64_t size, uint64_t *at)
{
    const struct load_wish wish = {
        .what = "the multiboot information",
        .room = size,
        .size = size,
        .from = plan->scratch->information,
        .from_size = size,
        .align = LOAD_PAGE,
        .min = LOAD_LOW,
        .max = LOAD_LIMIT,
    };
    return load_place(plan, &wish, at);
}
