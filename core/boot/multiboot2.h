/* SPDX-License-Identifier: MIT */
/*
 * What the loader says of the machine (Multiboot2 3.6), checked and reduced to what the image
 * needs.
 */
#ifndef EXITMETER_CORE_BOOT_MULTIBOOT2_H
#define EXITMETER_CORE_BOOT_MULTIBOOT2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_range {
    uint64_t start;
    uint64_t end; /* exclusive */
};

/* What the identity map of start.S covers; memory above is as good as not there. */
#define MEMORY_REACHABLE (4ull << 30)

#define BOOT_TEXT_ROWS   25u /* that a screen has at least, if it can */
#define BOOT_RANGES_MAX  64u
#define BOOT_MAP_MAX     120u
#define BOOT_MODULES_MAX 8u

/* As the firmware says it: ranges may overlap, types are those of E820 (1 is RAM). */
struct boot_memory {
    struct memory_range range;
    uint32_t type;
};

struct boot_module {
    struct memory_range range;
    const char *name; /* the module's command line; never NULL */
};

enum boot_screen_kind {
    BOOT_SCREEN_NONE = 0, /* or none that is described as it must be */
    BOOT_SCREEN_TEXT,     /* VGA's: two bytes a character */
    BOOT_SCREEN_PIXELS,
};

/* Bits of a pixel that one of the three colours has. */
struct boot_color {
    uint8_t position;
    uint8_t size;
};

/* Rows of pitch bytes from address on, none of it usable memory. */
struct boot_screen {
    enum boot_screen_kind kind;
    uint64_t address; /* physical; of pixels it may be out of reach */
    uint32_t pitch;
    uint32_t width; /* in pixels, or characters */
    uint32_t height;
    uint8_t bits; /* of a pixel */
    struct boot_color red, green, blue;
};

struct boot_information {
    struct memory_range self;                    /* the loader's own structure */
    struct memory_range usable[BOOT_RANGES_MAX]; /* RAM, page-aligned inwards */
    size_t usable_count;
    struct boot_memory map[BOOT_MAP_MAX]; /* the whole map, not rounded ... */
    size_t map_count;
    bool map_cut; /* ... but for what found no room */
    struct boot_module modules[BOOT_MODULES_MAX];
    size_t module_count;
    struct boot_screen screen;
    const void
        *rsdp; /* copy of the ACPI root pointer, the newest revision there is; NULL if none */
    uint32_t rsdp_size; /* bytes of it */
};

/* Reads the structure at address. NULL on success, else what is wrong with it, in words. */
const char *boot_information_read(uint64_t address, struct boot_information *information);

/* The module of that name; NULL if there is none. */
const struct boot_module *boot_module(const struct boot_information *information, const char *name);

#endif
