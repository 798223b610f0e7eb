/* SPDX-License-Identifier: MIT */
/* multiboot, the first specification (0.6.96): header, load addresses or ELF, information. */
#include "load_elf.h"
#include "load_kinds.h"
#include "load_multiboot.h"
#include "load_start.h"

#include "../../core/boot/string.h"

#include <stddef.h>

#define BOOT_MAGIC 0x2badb002u

enum {
    HEADER_FLAGS = 4,
    HEADER_ADDRESSES = 12,
    HEADER_END = 32, /* of the addresses */
};

/* Flags of the header. Of the lower 16, what a loader does not know it must refuse. */
#define WANTS_PAGES     0x1u /* modules on page boundaries */
#define WANTS_MEMORY    0x2u
#define WANTS_VIDEO     0x4u
#define WANTS_ALL       0xffffu
#define HAS_ADDRESSES   0x10000u
#define WANTS_SATISFIED (WANTS_PAGES | WANTS_MEMORY)

/* Flags of the information: which of its fields hold. */
#define TELLS_MEMORY  0x1u
#define TELLS_CMDLINE 0x4u
#define TELLS_MODULES 0x8u
#define TELLS_MAP     0x40u
#define TELLS_LOADER  0x200u

struct module {
    uint32_t start, end, string, reserved;
};

struct map_entry {
    uint32_t size; /* of what follows */
    uint64_t start, length;
    uint32_t type;
} __attribute__((packed));

/* The information and all it points to. */
struct information {
    uint32_t flags;
    uint32_t memory_lower, memory_upper;
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t module_count, modules;
    uint32_t symbols[4];
    uint32_t map_size, map;
    uint32_t drives_size, drives;
    uint32_t configuration;
    uint32_t loader;
    uint32_t without[13]; /* APM, VBE, frame buffer */
    struct module module;
    struct map_entry entries[LOAD_RANGES_MAX];
    char name[16];
    char text[LOAD_CMDLINE_MAX + 1];
};

_Static_assert(offsetof(struct information, module) == 120, "laid out as specified");
_Static_assert(sizeof(struct information) <= LOAD_INFORMATION_MAX, "fits the scratch");
_Static_assert(sizeof(LOAD_NAME) <= sizeof(((struct information *)0)->name), "fits");

bool load_is_multiboot1(const struct load_request *request)
{
    uint64_t offset;

    return load_header_find(request, &load_header_rule_1, &offset);
}

static const char *put_image(struct load_plan *plan, uint64_t offset, uint32_t flags)
{
    const struct load_request *request = plan->request;
    struct load_elf elf;

    if (flags & HAS_ADDRESSES) {
        if (!load_within(offset, HEADER_END, request->image_size))
            return load_refuse(plan, "the multiboot header at 0x%lx is cut off", offset);
        uint64_t at = offset + HEADER_ADDRESSES;
        const struct load_addresses addresses = {
            load_field(request, at),      load_field(request, at + 4),  load_field(request, at + 8),
            load_field(request, at + 12), load_field(request, at + 16),
        };
        return load_addresses_put(plan, offset, &addresses);
    }
    const char *wrong = load_elf_open(plan, &elf);
    if (wrong)
        return wrong;
    plan->result->rip = elf.entry;
    return load_elf_put(plan, &elf, 0);
}

static void describe(const struct load_plan *plan, uint32_t at, uint64_t module)
{
    const struct load_request *request = plan->request;
    struct information *information = (void *)plan->scratch->information;

    information->flags = TELLS_MEMORY | TELLS_CMDLINE | TELLS_MODULES | TELLS_MAP | TELLS_LOADER;
    load_basic_memory(plan, &information->memory_lower, &information->memory_upper);
    information->cmdline = at + (uint32_t)offsetof(struct information, text);
    if (request->cmdline)
        string_copy(information->text, sizeof(information->text), request->cmdline);
    information->loader = at + (uint32_t)offsetof(struct information, name);
    string_copy(information->name, sizeof(information->name), LOAD_NAME);
    if (request->initrd) {
        information->module_count = 1;
        information->modules = at + (uint32_t)offsetof(struct information, module);
        information->module.start = (uint32_t)module;
        information->module.end = (uint32_t)(module + request->initrd_size);
    }
    information->map = at + (uint32_t)offsetof(struct information, entries);
    information->map_size = (uint32_t)(request->map_count * sizeof(struct map_entry));
    for (unsigned i = 0; i < request->map_count; i++) {
        const struct load_range *range = &request->map[i];
        information->entries[i] =
            (struct map_entry){sizeof(struct map_entry) - sizeof(uint32_t), range->start,
                               range->end - range->start, range->type};
    }
}

const char *load_multiboot1(struct load_plan *plan)
{
    uint64_t header = 0, module, information;

    load_header_find(plan->request, &load_header_rule_1, &header);
    uint32_t flags = load_field(plan->request, header + HEADER_FLAGS);
    if (flags & WANTS_VIDEO)
        return load_refuse(plan, "the multiboot header requires a video mode (flag 2), and none is "
                                 "offered");
    if (flags & WANTS_ALL & ~WANTS_SATISFIED)
        return load_refuse(plan,
                           "the multiboot header requires what flags 0x%x stand for, which "
                           "is unknown",
                           flags & WANTS_ALL & ~WANTS_SATISFIED);
    const char *wrong = load_multiboot_check_start(plan);
    if (!wrong)
        wrong = put_image(plan, header, flags);
    if (!wrong)
        wrong = load_module_place(plan, &module);
    if (!wrong)
        wrong = load_information_place(plan, sizeof(struct information), &information);
    if (wrong)
        return wrong;
    describe(plan, (uint32_t)information, module);
    plan->result->rax = BOOT_MAGIC;
    plan->result->rbx = information;
    return load_prepare_start(plan, LOAD_START_PROTECTED);
}
