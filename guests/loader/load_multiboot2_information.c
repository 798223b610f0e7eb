/* SPDX-License-Identifier: MIT */
#include "load_multiboot2.h"

#include "load_multiboot.h"

#include "../../core/boot/string.h"

enum tag_type {
    TAG_END = 0,
    TAG_CMDLINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_MEMORY = 4,
    TAG_MAP = 6,
    TAG_ACPI_1 = 14,
    TAG_ACPI_2 = 15,
    TAG_LOAD_BASE = 21,
};

#define RSDP_REVISION 15u /* the byte; 0 is ACPI 1.0 */
#define RSDP_1_SIZE   20u

struct tag {
    uint32_t type, size;
};

struct map_entry {
    uint64_t start, length;
    uint32_t type, reserved;
};

/* All tags together, each padded to 8 bytes: a bound that holds whatever the request says. */
_Static_assert(8 + (8 + LOAD_CMDLINE_MAX + 1) + (8 + 16) + (16 + 8) + 16 +
                       (16 + LOAD_RANGES_MAX * sizeof(struct map_entry)) + (8 + LOAD_RSDP_MAX) +
                       16 + 8 + 8 * 8 <=
                   LOAD_INFORMATION_MAX,
               "fits the scratch");

struct composition {
    uint8_t *bytes;
    uint64_t size;
};

static enum tag_type acpi_type(const struct load_request *request)
{
    return ((const uint8_t *)request->rsdp)[RSDP_REVISION] && request->rsdp_size > RSDP_1_SIZE
               ? TAG_ACPI_2
               : TAG_ACPI_1;
}

bool load_information_offers(const struct load_request *request, uint32_t type)
{
    switch (type) {
    case TAG_END:
    case TAG_CMDLINE:
    case TAG_LOADER:
    case TAG_MODULE:
    case TAG_MEMORY:
    case TAG_MAP:
    case TAG_LOAD_BASE:
        return true;
    case TAG_ACPI_1:
    case TAG_ACPI_2:
        return request->rsdp && type == acpi_type(request);
    default:
        return false;
    }
}

/* A tag of two parts, the second of which may be empty. The scratch is zeroed, so padding is. */
static void add(struct composition *to, enum tag_type type, const void *head, uint64_t head_size,
                const void *tail, uint64_t tail_size)
{
    const struct tag tag = {type, (uint32_t)(sizeof(tag) + head_size + tail_size)};
    uint8_t *at = to->bytes + to->size;

    memcpy(at, &tag, sizeof(tag));
    memcpy(at + sizeof(tag), head, head_size);
    memcpy(at + sizeof(tag) + head_size, tail, tail_size);
    to->size += (tag.size + 7ul) & ~7ul;
}

static void add_map(struct composition *to, const struct load_request *request)
{
    const uint32_t head[2] = {sizeof(struct map_entry), 0};
    struct map_entry entries[LOAD_RANGES_MAX];

    for (unsigned i = 0; i < request->map_count; i++) {
        const struct load_range *range = &request->map[i];
        entries[i] = (struct map_entry){range->start, range->end - range->start, range->type, 0};
    }
    add(to, TAG_MAP, head, sizeof(head), entries, request->map_count * sizeof(*entries));
}

uint64_t load_information2(struct load_plan *plan, bool relocatable, uint64_t start,
                           uint64_t module)
{
    const struct load_request *request = plan->request;
    struct composition to = {plan->scratch->information, 8};
    const char *cmdline = request->cmdline ? request->cmdline : "";
    const uint32_t base = (uint32_t)start;
    const uint32_t ends[2] = {(uint32_t)module, (uint32_t)(module + request->initrd_size)};
    uint32_t memory[2];

    load_basic_memory(plan, &memory[0], &memory[1]);
    add(&to, TAG_CMDLINE, cmdline, strlen(cmdline) + 1, "", 0);
    add(&to, TAG_LOADER, LOAD_NAME, sizeof(LOAD_NAME), "", 0);
    if (request->initrd)
        add(&to, TAG_MODULE, ends, sizeof(ends), "", 1);
    add(&to, TAG_MEMORY, memory, sizeof(memory), "", 0);
    add_map(&to, request);
    if (request->rsdp)
        add(&to, acpi_type(request), request->rsdp, request->rsdp_size, "", 0);
    if (relocatable)
        add(&to, TAG_LOAD_BASE, &base, sizeof(base), "", 0);
    add(&to, TAG_END, "", 0, "", 0);
    const uint32_t size = (uint32_t)to.size;
    memcpy(to.bytes, &size, sizeof(size));
    return to.size;
}
