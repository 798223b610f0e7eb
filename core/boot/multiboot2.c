/* SPDX-License-Identifier: MIT */
#include "multiboot2.h"

#include "string.h"

#include "../platform.h"

enum {
    TAG_END = 0,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_ACPI_1 = 14,
    TAG_ACPI_2 = 15,
};

#define MEMORY_AVAILABLE 1u

struct tag {
    uint32_t type;
    uint32_t size;
};

struct tag_module {
    struct tag tag;
    uint32_t start;
    uint32_t end;
    char name[];
};

struct tag_memory_map {
    struct tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct memory_map_entry {
    uint64_t base;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};

static const char *read_module(const struct tag_module *tag, struct boot_information *information)
{
    if (tag->tag.size <= sizeof(*tag) || ((const char *)tag)[tag->tag.size - 1] != '\0')
        return "boot information: a module's name does not end";
    if (tag->end < tag->start)
        return "boot information: a module ends before it starts";
    if (information->module_count == BOOT_MODULES_MAX)
        return "boot information: more than 8 modules";
    information->modules[information->module_count++] =
        (struct boot_module){{tag->start, tag->end}, tag->name};
    return NULL;
}

static const char *read_memory_map(const struct tag_memory_map *tag,
                                   struct boot_information *information)
{
    if (tag->tag.size < sizeof(*tag) || tag->entry_size < sizeof(struct memory_map_entry) ||
        tag->entry_size % 8)
        return "boot information: memory map too short";
    uint32_t bytes = tag->tag.size - (uint32_t)sizeof(*tag);
    for (uint32_t at = 0; bytes - at >= tag->entry_size; at += tag->entry_size) {
        const struct memory_map_entry *entry =
            (const void *)((const char *)tag + sizeof(*tag) + at);
        if (entry->length > UINT64_MAX - entry->base)
            continue;
        if (information->map_count < BOOT_MAP_MAX)
            information->map[information->map_count++] =
                (struct boot_memory){{entry->base, entry->base + entry->length}, entry->type};
        else
            information->map_cut = true;
        uint64_t start = (entry->base + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
        uint64_t end = (entry->base + entry->length) & ~(PAGE_SIZE - 1);
        if (end > MEMORY_REACHABLE)
            end = MEMORY_REACHABLE;
        if (entry->type != MEMORY_AVAILABLE || start >= end || entry->base > UINT64_MAX - PAGE_SIZE)
            continue;
        if (information->usable_count == BOOT_RANGES_MAX)
            return "boot information: more than 64 memory ranges";
        information->usable[information->usable_count++] = (struct memory_range){start, end};
    }
    return NULL;
}

static void read_rsdp(const struct tag *tag, struct boot_information *information)
{
    uint32_t size = tag->size - (uint32_t)sizeof(*tag);

    if (size > information->rsdp_size) { /* the second revision's is the longer one */
        information->rsdp = tag + 1;
        information->rsdp_size = size;
    }
}

const char *boot_information_read(uint64_t address, struct boot_information *information)
{
    const uint32_t *head = (const uint32_t *)address;
    uint32_t size = head[0], at = 8;

    *information = (struct boot_information){.self = {address, address + size}};
    while (size >= 8 && at <= size - 8) {
        const struct tag *tag = (const void *)((const char *)head + at);
        const char *wrong = NULL;
        if (tag->size < sizeof(*tag) || tag->size > size - at)
            return "boot information: a tag reaches over the end";
        if (tag->type == TAG_END)
            return information->usable_count ? NULL : "boot information: no memory map";
        if (tag->type == TAG_MODULE)
            wrong = read_module((const void *)tag, information);
        if (tag->type == TAG_MEMORY_MAP)
            wrong = read_memory_map((const void *)tag, information);
        if (tag->type == TAG_ACPI_1 || tag->type == TAG_ACPI_2)
            read_rsdp(tag, information);
        if (wrong)
            return wrong;
        at += (tag->size + 7) & ~7u;
    }
    return "boot information: no end tag";
}

const struct boot_module *boot_module(const struct boot_information *information, const char *name)
{
    for (size_t i = 0; i < information->module_count; i++)
        if (string_equal(information->modules[i].name, name))
            return &information->modules[i];
    return NULL;
}
