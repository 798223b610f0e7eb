/* SPDX-License-Identifier: MIT */
/* multiboot 2 (2.0): the header's tags, and where the kernel goes by them. */
#include "load_multiboot2.h"

#include "load_elf.h"
#include "load_kinds.h"
#include "load_multiboot.h"
#include "load_start.h"

#include <stddef.h>

#define BOOT_MAGIC        0x36d76289u
#define ARCHITECTURE_I386 0u
#define OPTIONAL          0x1u

enum header_tag {
    TAG_END = 0,
    TAG_REQUEST = 1,
    TAG_ADDRESSES = 2,
    TAG_ENTRY = 3,
    TAG_CONSOLE = 4,
    TAG_FRAME_BUFFER = 5,
    TAG_MODULE_PAGES = 6,
    TAG_EFI_SERVICES = 7,
    TAG_EFI_ENTRY_32 = 8,
    TAG_EFI_ENTRY_64 = 9,
    TAG_RELOCATABLE = 10,
};

enum { HEADER_ARCHITECTURE = 4, HEADER_LENGTH = 8, HEADER_SIZE = 16, TAG_SIZE = 8 };

#define CONSOLE_REQUIRED 0x1u
#define PREFERS_LOWEST   1u
#define PREFERS_HIGHEST  2u

/* What the tags say; offsets of them in the file, 0 if they are not there. */
struct header {
    uint64_t offset;
    uint64_t addresses, entry, relocatable;
};

static const char *check_request(struct load_plan *plan, uint64_t at, uint32_t size)
{
    for (uint32_t i = TAG_SIZE; i + 4 <= size; i += 4) {
        uint32_t type = load_field(plan->request, at + i);
        if (!load_information_offers(plan->request, type))
            return load_refuse(plan,
                               "the multiboot 2 header requires information of type %u, which is "
                               "not offered",
                               type);
    }
    return NULL;
}

static const char *check_console(struct load_plan *plan, uint64_t at, uint32_t size)
{
    (void)size;
    if (load_field(plan->request, at + TAG_SIZE) & CONSOLE_REQUIRED)
        return load_refuse(
            plan, "the multiboot 2 header requires what is not offered: a console (tag 4)");
    return NULL;
}

#define KEEP(member) offsetof(struct header, member)

/* By type; those that only say so are satisfied anyway, or meant for EFI. */
static const struct tag {
    uint32_t size; /* at least; 0: unknown */
    size_t keep;   /* where its offset is kept, unless 0 */
    /* Of one that is not optional: what it requires that is not offered, or who finds that out. */
    const char *requires;
    const char *(*check)(struct load_plan *plan, uint64_t at, uint32_t size);
} tags[] = {
    [TAG_REQUEST] = {.size = 8, .check = check_request},
    [TAG_ADDRESSES] = {.size = 24, .keep = KEEP(addresses)},
    [TAG_ENTRY] = {.size = 12, .keep = KEEP(entry)},
    [TAG_CONSOLE] = {.size = 12, .check = check_console},
    [TAG_FRAME_BUFFER] = {.size = 20, .requires = "a video mode"},
    [TAG_MODULE_PAGES] = {.size = 8},
    [TAG_EFI_SERVICES] = {.size = 8, .requires = "EFI boot services"},
    [TAG_EFI_ENTRY_32] = {.size = 12},
    [TAG_EFI_ENTRY_64] = {.size = 12},
    [TAG_RELOCATABLE] = {.size = 24, .keep = KEEP(relocatable)},
};
#define TAGS (sizeof(tags) / sizeof(*tags))

static const char *read_tag(struct load_plan *plan, struct header *header, uint64_t at,
                            uint32_t size)
{
    uint32_t type = load_field(plan->request, at) & 0xffff;
    bool optional = load_field(plan->request, at) >> 16 & OPTIONAL;
    const struct tag *tag = &tags[type < TAGS ? type : 0];

    if (!tag->size && optional)
        return NULL;
    if (!tag->size)
        return load_refuse(plan,
                           "the multiboot 2 header has a tag of type %u at 0x%lx, which is unknown "
                           "and not optional",
                           type, at);
    if (size < tag->size)
        return load_refuse(plan,
                           "the multiboot 2 header's tag of type %u at 0x%lx has %u bytes, not %u",
                           type, at, size, tag->size);
    if (tag->keep)
        *(uint64_t *)((char *)header + tag->keep) = at + TAG_SIZE;
    if (tag->requires && !optional)
        return load_refuse(plan, "the multiboot 2 header requires what is not offered: %s (tag %u)",
                           tag->requires, type);
    return tag->check && !optional ? tag->check(plan, at, size) : NULL;
}

static const char *read_header(struct load_plan *plan, struct header *header)
{
    const struct load_request *request = plan->request;

    *header = (struct header){0};
    load_header_find(request, &load_header_rule_2, &header->offset);
    uint32_t architecture = load_field(request, header->offset + HEADER_ARCHITECTURE);
    uint32_t length = load_field(request, header->offset + HEADER_LENGTH);
    if (architecture != ARCHITECTURE_I386)
        return load_refuse(plan, "the multiboot 2 header is for architecture %u, not 0, i386",
                           architecture);
    if (!load_within(header->offset, length, request->image_size))
        return load_refuse(plan,
                           "the multiboot 2 header at 0x%lx is cut off: it has %u bytes, in a file "
                           "of 0x%lx",
                           header->offset, length, request->image_size);
    uint64_t at = header->offset + HEADER_SIZE, end = header->offset + length;
    while (load_within(at, TAG_SIZE, end)) {
        uint32_t size = load_field(request, at + 4);
        if (size < TAG_SIZE || !load_within(at, size, end))
            return load_refuse(plan,
                               "the multiboot 2 header's tag at 0x%lx has %u bytes, and the header "
                               "ends at 0x%lx",
                               at, size, end);
        if ((load_field(request, at) & 0xffff) == TAG_END)
            return NULL;
        const char *wrong = read_tag(plan, header, at, size);
        if (wrong)
            return wrong;
        at += (size + 7ul) & ~7ul;
    }
    return load_refuse(plan, "the multiboot 2 header at 0x%lx has no end tag", header->offset);
}

static const char *put_addresses(struct load_plan *plan, const struct header *header)
{
    const struct load_request *request = plan->request;
    uint64_t at = header->addresses;

    if (!header->entry)
        return load_refuse(plan, "the multiboot 2 header has load addresses (tag 2), but no entry "
                                 "(tag 3)");
    const struct load_addresses addresses = {
        load_field(request, at),
        load_field(request, at + 4),
        load_field(request, at + 8),
        load_field(request, at + 12),
        load_field(request, header->entry),
    };
    return load_addresses_put(plan, header->offset, &addresses);
}

/* Where a relocatable image goes: in *start. */
static const char *relocate(struct load_plan *plan, const struct header *header,
                            const struct load_elf *elf, uint64_t *start)
{
    const struct load_request *request = plan->request;
    uint64_t at = header->relocatable, align = load_field(request, at + 8);
    uint32_t preference = load_field(request, at + 12);
    struct load_wish wish = {
        .what = "the image",
        .room = elf->end - elf->start,
        .align = align ? align : 1,
        .min = load_field(request, at),
        .max = load_field(request, at + 4) + 1ul,
        .high = preference == PREFERS_HIGHEST,
    };

    if (!load_power_of_2(wish.align))
        return load_refuse(plan, "the multiboot 2 header's alignment 0x%lx is no power of 2",
                           align);
    if (wish.align < elf->align)
        wish.align = elf->align;
    if (wish.align > LOAD_LIMIT)
        return load_refuse(plan, "ELF: a segment's alignment of 0x%lx is more than 4 GiB",
                           wish.align);
    *start = elf->start;
    struct load_wish linked = wish;
    linked.align = 1;
    linked.min = elf->start;
    linked.max = elf->end;
    uint64_t found;
    if (preference != PREFERS_LOWEST && preference != PREFERS_HIGHEST && elf->start >= wish.min &&
        elf->end <= wish.max && load_find(plan, &linked, &found))
        return NULL;
    if (!load_find(plan, &wish, start))
        return load_refuse(plan,
                           "the image wants 0x%lx bytes in 0x%lx-0x%lx, where there is no "
                           "such room for it",
                           wish.room, wish.min, wish.max);
    return NULL;
}

static bool is_loaded(const struct load_result *result, uint64_t at)
{
    for (unsigned i = 0; i < result->piece_count; i++)
        if (at - result->pieces[i].to < result->pieces[i].size)
            return true;
    return false;
}

static const char *put_image(struct load_plan *plan, const struct header *header, uint64_t *start)
{
    struct load_elf elf;

    if (header->addresses) {
        const char *wrong = put_addresses(plan, header);
        if (!wrong)
            *start = plan->result->pieces[0].to;
        return wrong;
    }
    const char *wrong = load_elf_open(plan, &elf);
    if (wrong)
        return wrong;
    *start = elf.start;
    if (header->relocatable)
        wrong = relocate(plan, header, &elf, start);
    if (wrong)
        return wrong;
    uint64_t moved = *start - elf.start;
    uint64_t entry = header->entry ? load_field(plan->request, header->entry) : elf.entry;
    plan->result->rip = entry + moved;
    wrong = load_elf_put(plan, &elf, moved);
    if (!wrong && !is_loaded(plan->result, plan->result->rip))
        return load_refuse(plan, "the multiboot 2 header's entry 0x%lx is in no segment", entry);
    return wrong;
}

bool load_is_multiboot2(const struct load_request *request)
{
    uint64_t offset;

    return load_header_find(request, &load_header_rule_2, &offset);
}

const char *load_multiboot2(struct load_plan *plan)
{
    struct header header;
    uint64_t start, module;

    const char *wrong = read_header(plan, &header);
    if (!wrong)
        wrong = load_multiboot_check_start(plan);
    if (!wrong)
        wrong = put_image(plan, &header, &start);
    if (!wrong)
        wrong = load_module_place(plan, &module);
    if (wrong)
        return wrong;
    uint64_t size = load_information2(plan, header.relocatable, start, module);
    wrong = load_information_place(plan, size, &plan->result->rbx);
    plan->result->rax = BOOT_MAGIC;
    return wrong ? wrong : load_prepare_start(plan, LOAD_START_PROTECTED);
}
