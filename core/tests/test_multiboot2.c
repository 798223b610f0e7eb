/* SPDX-License-Identifier: MIT */
/* Boot information as GRUB writes it (Multiboot2 3.6), whole, cut off, and damaged. */
#include "tests.h"

#include "../boot/multiboot2.h"

#include <stdlib.h>
#include <string.h>

#define MAP_ENTRY 24u
#define USABLE    1u

static uint8_t info[4096] __attribute__((aligned(8)));
static uint32_t length;
static struct boot_information information;

static void put32(uint32_t value)
{
    memcpy(info + length, &value, 4);
    length += 4;
}

static void put64(uint64_t value)
{
    memcpy(info + length, &value, 8);
    length += 8;
}

static void begin(void)
{
    memset(info, 0, sizeof(info));
    length = 8;
}

static void pad(void)
{
    length = (length + 7) & ~7u;
}

static void put_module(uint32_t start, uint32_t end, const char *name)
{
    put32(3);
    put32(16 + (uint32_t)strlen(name) + 1);
    put32(start);
    put32(end);
    memcpy(info + length, name, strlen(name) + 1);
    length += (uint32_t)strlen(name) + 1;
    pad();
}

static void put_map(uint32_t entries)
{
    put32(6);
    put32(16 + entries * MAP_ENTRY);
    put32(MAP_ENTRY);
    put32(0);
}

static void put_entry(uint64_t base, uint64_t bytes, uint32_t type)
{
    put64(base);
    put64(bytes);
    put32(type);
    put32(0);
}

static void end(void)
{
    put32(0);
    put32(8);
    memcpy(info, &length, 4);
}

static const char *read(void)
{
    return boot_information_read((uintptr_t)info, &information);
}

static void put_usual(void)
{
    begin();
    put32(1); /* command line: of no interest */
    put32(8 + 5);
    put32(0x74736574);
    length += 1;
    pad();
    put_module(0x200000, 0x203010, "plan");
    put_module(0x300000, 0x310000, "guests");
    put_map(4);
    put_entry(0, 0x9fc00, USABLE);
    put_entry(0xf0000, 0x10000, 2);
    put_entry(0x100000, 0x7ee0000, USABLE);
    put_entry(0xfffc0000, 0x40000, 2);
    end();
}

static void usual(void **state)
{
    (void)state;
    put_usual();
    assert_null(read());
    assert_int_equal(information.self.start, (uintptr_t)info);
    assert_int_equal(information.self.end, (uintptr_t)info + length);
    assert_int_equal(information.module_count, 2);
    const struct boot_module *plan = boot_module(&information, "plan");
    assert_non_null(plan);
    assert_int_equal(plan->range.start, 0x200000);
    assert_int_equal(plan->range.end, 0x203010);
    assert_string_equal(boot_module(&information, "guests")->name, "guests");
    assert_null(boot_module(&information, "guest"));
    assert_null(information.rsdp);
    assert_null(boot_module(&information, ""));
    assert_int_equal(information.usable_count, 2);
    assert_int_equal(information.usable[0].start, 0);
    assert_int_equal(information.usable[0].end, 0x9f000);
    assert_int_equal(information.usable[1].start, 0x100000);
    assert_int_equal(information.usable[1].end, 0x7fe0000);
}

/* Of all types, as they stand there. */
static void the_whole_map(void **state)
{
    static const struct {
        uint64_t base, length;
        uint32_t type;
    } said[] = {{0, 0x9fc00, USABLE},
                {0x9fc00, 0x400, 2},
                {0xfffc0000, 0x40000, 2},
                {0x100000000, 0x1234, 4}};
    (void)state;
    begin();
    put_map(COUNT_OF(said) + 1);
    for (size_t i = 0; i < COUNT_OF(said); i++)
        put_entry(said[i].base, said[i].length, said[i].type);
    put_entry(UINT64_MAX - 5, 10, USABLE); /* no range at all */
    end();
    assert_null(read());
    assert_int_equal(information.map_count, COUNT_OF(said));
    assert_false(information.map_cut);
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        assert_int_equal(information.map[i].range.start, said[i].base);
        assert_int_equal(information.map[i].range.end, said[i].base + said[i].length);
        assert_int_equal(information.map[i].type, said[i].type);
    }
    for (uint32_t count = BOOT_MAP_MAX; count <= BOOT_MAP_MAX + 1; count++) {
        begin();
        put_map(count);
        put_entry(0x100000, 0x100000, USABLE);
        for (uint32_t i = 1; i < count; i++)
            put_entry(0x100000 * (1 + i), 0x1000, 2);
        end();
        assert_null(read());
        assert_int_equal(information.map_count, BOOT_MAP_MAX);
        assert_int_equal(information.map_cut, count > BOOT_MAP_MAX);
    }
}

static void ranges_are_cut_to_pages_and_to_4_gib(void **state)
{
    (void)state;
    begin();
    put_map(5);
    put_entry(0x100001, 0x2fff, USABLE);         /* 0x100001 to 0x103000 */
    put_entry(0x200001, 0x1ffe, USABLE);         /* less than a page is left */
    put_entry(0xfff00000, 0x200000000, USABLE);  /* across 4 GiB */
    put_entry(0x100000000, 0x100000000, USABLE); /* above */
    put_entry(0x400000, 0, USABLE);
    end();
    assert_null(read());
    assert_int_equal(information.usable_count, 2);
    assert_int_equal(information.usable[0].start, 0x101000);
    assert_int_equal(information.usable[0].end, 0x103000);
    assert_int_equal(information.usable[1].start, 0xfff00000);
    assert_int_equal(information.usable[1].end, 0x100000000);
}

static void longer_entries(void **state)
{
    (void)state;
    begin();
    put32(6);
    put32(16 + 2 * 32);
    put32(32);
    put32(1);
    for (int i = 0; i < 2; i++) {
        put_entry(0x100000ull * (1 + (unsigned)i), 0x1000, USABLE);
        put64(UINT64_MAX);
    }
    end();
    assert_null(read());
    assert_int_equal(information.usable_count, 2);
    assert_int_equal(information.usable[1].start, 0x200000);
}

static void refusals(void **state)
{
    (void)state;
    begin();
    end();
    assert_string_equal(read(), "boot information: no memory map");

    begin();
    put_map(0);
    end();
    assert_string_equal(read(), "boot information: no memory map");

    begin();
    put32(6);
    put32(16);
    put32(23);
    put32(0);
    end();
    assert_string_equal(read(), "boot information: memory map too short");

    begin();
    put32(6);
    put32(8);
    end();
    assert_string_equal(read(), "boot information: memory map too short");

    begin();
    put_module(2, 1, "plan");
    end();
    assert_string_equal(read(), "boot information: a module ends before it starts");

    begin();
    put_module(1, 2, "pl");
    info[8 + 4] -= 1; /* the tag ends before the NUL */
    end();
    assert_string_equal(read(), "boot information: a module's name does not end");

    begin();
    put32(3);
    put32(16);
    put64(0);
    end();
    assert_string_equal(read(), "boot information: a module's name does not end");

    for (uint32_t size = 0; size < 8; size++) {
        begin();
        put32(99);
        put32(size);
        end();
        assert_string_equal(read(), "boot information: a tag reaches over the end");
    }
}

static void limits(void **state)
{
    (void)state;
    for (uint32_t modules = 0; modules <= BOOT_MODULES_MAX + 1; modules++) {
        begin();
        put_map(1);
        put_entry(0x100000, 0x1000, USABLE);
        for (uint32_t i = 0; i < modules; i++)
            put_module(i, i + 1, "m");
        end();
        if (modules <= BOOT_MODULES_MAX)
            assert_null(read());
        else
            assert_string_equal(read(), "boot information: more than 8 modules");
    }
    for (uint32_t ranges = BOOT_RANGES_MAX; ranges <= BOOT_RANGES_MAX + 1; ranges++) {
        begin();
        put_map(ranges);
        for (uint32_t i = 0; i < ranges; i++)
            put_entry(0x100000 + 0x2000ull * i, 0x1000, USABLE);
        end();
        if (ranges <= BOOT_RANGES_MAX)
            assert_null(read());
        else
            assert_string_equal(read(), "boot information: more than 64 memory ranges");
    }
}

/* In memory of just that size, so that a byte read behind it is an error of the sanitizer. */
static const char *read_copy(uint32_t bytes)
{
    void *copy = aligned_alloc(8, bytes);
    memcpy(copy, info, bytes);
    memcpy(copy, &bytes, 4);
    const char *wrong = boot_information_read((uintptr_t)copy, &information);
    free(copy);
    return wrong;
}

static void cut_off_anywhere(void **state)
{
    (void)state;
    put_usual();
    uint32_t whole = length;
    assert_null(read_copy(whole));
    for (uint32_t bytes = 8; bytes < whole; bytes += 8)
        assert_non_null(read_copy(bytes));
}

/* Damage may go unnoticed; reading outside or running for ever may not. */
static void damaged(void **state)
{
    uint64_t seed = 6;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        put_usual();
        for (uint32_t n = 1 + random_below(&seed, 3); n; n--) {
            uint32_t at = 8 + random_below(&seed, length - 8);
            if (at % 4 == 0 || random_below(&seed, 2))
                info[at] = (uint8_t)random_below(&seed, 64);
            else
                info[at] ^= (uint8_t)(1u << random_below(&seed, 8));
        }
        uint32_t entry_size;
        memcpy(&entry_size, info + 8 + 16 + 24 + 24 + 8, 4);
        if (entry_size % 8) /* the specification promises multiples of 8 */
            continue;
        read_copy(length);
        assert_true(information.usable_count <= BOOT_RANGES_MAX);
        assert_true(information.module_count <= BOOT_MODULES_MAX);
    }
}

static void put_rsdp(uint32_t type, uint32_t size)
{
    put32(type);
    put32(8 + size);
    memset(info + length, (int)type, size);
    length += size;
    pad();
}

/* Loaders pass on both revisions, in any order; the second is the one to read. */
static void acpi(void **state)
{
    (void)state;
    for (int order = 0; order < 3; order++) {
        begin();
        put_map(1);
        put_entry(0, 0x9fc00, USABLE);
        if (order != 1)
            put_rsdp(14, 20);
        if (order != 0)
            put_rsdp(15, 36);
        if (order == 1)
            put_rsdp(14, 20);
        end();
        assert_null(read());
        assert_non_null(information.rsdp);
        assert_int_equal(information.rsdp_size, order ? 36 : 20);
        assert_int_equal(*(const uint8_t *)information.rsdp, order ? 15 : 14);
    }
}

/* A screen of 1024 by 768 pixels, 32 bits each, or VGA's text. */
static void put_screen(bool text)
{
    put32(8);
    put32(text ? 32 : 38);
    put64(text ? 0xb8000 : 0x4000000000);
    put32(text ? 160 : 4096);
    put32(text ? 80 : 1024);
    put32(text ? 25 : 768);
    put32(text ? 16 | 2 << 8 : 32 | 1 << 8);
    if (!text) {
        const uint8_t colors[] = {16, 8, 8, 8, 0, 8};
        memcpy(info + length, colors, sizeof(colors));
        length += sizeof(colors);
        pad();
    }
}

#define SCREEN_AT 48u /* in the information, of a map of one range and a screen */

static const struct boot_screen *read_screen(bool text)
{
    begin();
    put_map(1);
    put_entry(0x100000, 0x10000000, USABLE);
    assert_int_equal(length, SCREEN_AT);
    put_screen(text);
    end();
    assert_null(read());
    return &information.screen;
}

static void screens(void **state)
{
    (void)state;
    const struct boot_screen *screen = read_screen(true);
    assert_int_equal(screen->kind, BOOT_SCREEN_TEXT);
    assert_int_equal(screen->address, 0xb8000);
    assert_int_equal(screen->pitch, 160);
    assert_int_equal(screen->width, 80);
    assert_int_equal(screen->height, 25);
    screen = read_screen(false);
    assert_int_equal(screen->kind, BOOT_SCREEN_PIXELS);
    assert_true(screen->address == 0x4000000000);
    assert_int_equal(screen->bits, 32);
    assert_int_equal(screen->red.position, 16);
    assert_int_equal(screen->blue.size, 8);
}

/* What cannot be is no screen, and no failure: anything but the tag as it was. */
static void impossible_screens(void **state)
{
    static const struct {
        bool text;
        uint32_t at, value;
    } bad[] = {
        {true, 4, 31},           {true, 12, 1},
        {true, 8, 0x9ffff},      {true, 8, 0xbf061},
        {true, 16, 159},         {true, 20, 0},
        {true, 24, 0},           {true, 28, 3 << 8},
        {true, 24, 0x10000},     {true, 20, 0x80000001},
        {false, 4, 37},          {false, 16, 4095},
        {false, 16, 0x200000},   {false, 24, 32769},
        {false, 28, 1 << 8},     {false, 28, 33 | 1 << 8},
        {false, 28, 8 | 1 << 8}, {false, 12, 0x100000},
        {false, 12, 0},          {false, 32, 0x08082100},
        {false, 32, 0x08080010}, {false, 36, 0x2100},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        read_screen(bad[i].text);
        memcpy(info + SCREEN_AT + bad[i].at, &bad[i].value, 4);
        if (!bad[i].text && bad[i].at == 12 && !bad[i].value)
            memcpy(info + SCREEN_AT + 8, &(uint32_t){0x8000000}, 4); /* over usable memory */
        assert_null(read());
        if (information.screen.kind != BOOT_SCREEN_NONE)
            fail_msg("case %zu is taken for a screen", i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual),
        cmocka_unit_test(the_whole_map),
        cmocka_unit_test(acpi),
        cmocka_unit_test(ranges_are_cut_to_pages_and_to_4_gib),
        cmocka_unit_test(longer_entries),
        cmocka_unit_test(refusals),
        cmocka_unit_test(limits),
        cmocka_unit_test(cut_off_anywhere),
        cmocka_unit_test(damaged),
        cmocka_unit_test(screens),
        cmocka_unit_test(impossible_screens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
