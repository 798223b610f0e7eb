/* SPDX-License-Identifier: MIT */
#include "multiboot2.h"

#include "string.h"
#include "window.h"

#include "../platform.h"

enum {
    TAG_END = 0,
    TAG_MODULE = 3,
    TAG_MEMORY_MAP = 6,
    TAG_SCREEN = 8,
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

enum {
    SCREEN_RGB = 1,
    SCREEN_EGA_TEXT = 2,
};

/* Multiboot2 3.6.12, as GRUB writes it; the colours are those of pixels. */
struct __attribute__((packed)) tag_screen {
    struct tag tag;
    uint64_t address;
    uint32_t pitch;
    uint32_t width;
    uint32_t height;
    uint8_t bits;
    uint8_t kind;
    uint16_t reserved;
    struct boot_color red, green, blue;
};

#define SCREEN_EDGE_MAX 32768u
#define VGA_START       0xa0000ull
#define VGA_END         0xc0000ull
#define PHYSICAL_END    (1ull << 52)

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

static bool color_fits(const struct boot_color *color, uint8_t bits)
{
    return color->size && color->size <= bits && color->position <= bits - color->size;
}

/* A screen that cannot be as it is described is none: it is not worth a failure. */
static void read_screen(const struct tag_screen *tag, struct boot_information *information)
{
    const uint32_t text_size = (uint32_t)offsetof(struct tag_screen, red);
    bool text = tag->tag.size >= text_size && tag->kind == SCREEN_EGA_TEXT;
    bool pixels = tag->tag.size >= sizeof(*tag) && tag->kind == SCREEN_RGB && tag->bits >= 15 &&
                  tag->bits <= 32 && color_fits(&tag->red, tag->bits) &&
                  color_fits(&tag->green, tag->bits) && color_fits(&tag->blue, tag->bits);

    if ((!text && !pixels) || !tag->width || !tag->height || tag->width > SCREEN_EDGE_MAX ||
        tag->height > SCREEN_EDGE_MAX)
        return;
    uint64_t row = (uint64_t)tag->width * (text ? 2 : (tag->bits + 7u) / 8);
    uint64_t bytes = (uint64_t)tag->pitch * tag->height;
    uint64_t lowest = text ? VGA_START : 0, end = text ? VGA_END : PHYSICAL_END;
    if (tag->pitch < row || bytes > WINDOW_MOST || tag->address < lowest || tag->address > end ||
        bytes > end - tag->address)
        return;
    information->screen = (struct boot_screen){
        .kind = text ? BOOT_SCREEN_TEXT : BOOT_SCREEN_PIXELS,
        .address = tag->address,
        .pitch = tag->pitch,
        .width = tag->width,
        .height = tag->height,
        .bits = tag->bits,
    };
    if (pixels) {
        information->screen.red = tag->red;
        information->screen.green = tag->green;
        information->screen.blue = tag->blue;
    }
}

/* Nor is one that lies in memory that the image might use. */
static void check_screen(struct boot_information *information)
{
    struct boot_screen *screen = &information->screen;
    uint64_t end = screen->address + (uint64_t)screen->pitch * screen->height;

    for (size_t i = 0; i < information->usable_count; i++)
        if (screen->address < information->usable[i].end && information->usable[i].start < end)
            *screen = (struct boot_screen){0};
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
        if (tag->type == TAG_END) {
            check_screen(information);
            return information->usable_count ? NULL : "boot information: no memory map";
        }
        if (tag->type == TAG_MODULE)
            wrong = read_module((const void *)tag, information);
        if (tag->type == TAG_MEMORY_MAP)
            wrong = read_memory_map((const void *)tag, information);
        if (tag->type == TAG_SCREEN)
            read_screen((const void *)tag, information);
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
