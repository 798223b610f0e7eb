/* SPDX-License-Identifier: MIT */
/* load_guest() with flat images, with what is no image, and with requests that make no sense. */
#include "loader_images.h"

static void image_flat(struct fixture *fixture, uint64_t size, enum load_start start, uint64_t at)
{
    assert_true(size <= FIXTURE_ROOM);
    memset(fixture->bytes, 0x90, size);
    fixture->size = size;
    fixture->request.start_given = true;
    fixture->request.start = start;
    fixture->request.flat_address = at;
}

static void real_mode(void **state)
{
    struct fixture *fixture = *state;
    const struct load_result *result = &fixture->result;
    image_flat(fixture, 512, LOAD_START_REAL, 0);
    fixture_accepts(fixture);
    assert_int_equal(result->kind, LOAD_FLAT);
    assert_int_equal(result->start, LOAD_START_REAL);
    assert_int_equal(result->cs, 0);
    assert_int_equal(result->rip, 0x7c00);
    assert_int_equal(result->rsp, 0xf000);
    image_flat(fixture, 0x8e000, LOAD_START_REAL, 0x11000); /* to the end of the RAM */
    fixture_accepts(fixture);
    assert_int_equal(result->cs, 0x1100);
    assert_int_equal(result->rip, 0);
    image_flat(fixture, 0x100, LOAD_START_REAL, 0x20005);
    fixture_accepts(fixture);
    assert_int_equal(result->cs, 0x2000);
    assert_int_equal(result->rip, 5);
    image_flat(fixture, 0xe000, LOAD_START_REAL, 0x1000);
    fixture_refuses(fixture, "the stack wants 0x1000 bytes, and 0x1000-0xf000 has no such room for "
                             "it");
    image_flat(fixture, 0x200, LOAD_START_REAL, 0xffe01);
    fixture_refuses(fixture,
                    "a flat image of 0x200 bytes at 0xffe01 does not lie below 1 MiB, which "
                    "is all that real mode reaches");
    image_flat(fixture, 0x200, LOAD_START_REAL, UINT64_MAX);
    fixture_refuses(fixture,
                    "a flat image of 0x200 bytes at 0xffffffffffffffff does not lie below 1 "
                    "MiB, which is all that real mode reaches");
}

static void protected_mode(void **state)
{
    struct fixture *fixture = *state;
    image_flat(fixture, 0x1234, LOAD_START_PROTECTED, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
    assert_int_equal(fixture->result.rip, MIB);
    assert_true(fixture_is_within(fixture, fixture->result.rsp - 1));
}

static void long_mode(void **state)
{
    struct fixture *fixture = *state;
    image_flat(fixture, 0x1234, LOAD_START_LONG, 0x234567);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.start, LOAD_START_LONG);
    assert_int_equal(fixture->result.rip, 0x234567);
    assert_int_equal(*(const uint64_t *)fixture_at(fixture, fixture->result.cr3, 8) & 0xfff, 3);
    assert_true(fixture_is_within(fixture, fixture->result.rsp - 1));
}

static void where_it_cannot_lie(void **state)
{
    struct fixture *fixture = *state;
    image_flat(fixture, 0x2000, LOAD_START_LONG, 64 * MIB - 0x1000);
    fixture_refuses(fixture, "the image wants 0x3fff000-0x4001000, of which 0x4000000-0x4001000 is "
                             "not RAM for the guest (the core or the firmware has it)");
    image_flat(fixture, 0x2000, LOAD_START_LONG, 80 * MIB - 0x1000);
    fixture_refuses(fixture, "the image wants 0x4fff000-0x5001000, of which 0x4fff000-0x5000000 is "
                             "not RAM for the guest (the core or the firmware has it)");
    image_flat(fixture, 0x2000, LOAD_START_LONG, 128 * MIB); /* in no range at all */
    fixture_refuses(fixture, "the image wants 0x8000000-0x8002000, of which 0x8000000-0x8002000 is "
                             "not RAM for the guest (the core or the firmware has it)");
    image_flat(fixture, 0x2000, LOAD_START_LONG, 0xfff);
    fixture_refuses(fixture, "the image wants 0xfff-0x2fff; the first page stays as it is");
    image_flat(fixture, 0x2000, LOAD_START_LONG, UINT64_MAX - 0xfff);
    fixture_refuses(fixture,
                    "the image wants 0x2000 bytes from 0xfffffffffffff000 on, which is not "
                    "below 4 GiB");
    image_flat(fixture, 0x2000, LOAD_START_LONG, LOAD_LIMIT - 0x1fff);
    fixture_refuses(fixture,
                    "the image wants 0x2000 bytes from 0xffffe001 on, which is not below 4 GiB");
}

/* Where ranges overlap, only what all call RAM is; where they touch, memory goes on. */
static void maps_that_overlap(void **state)
{
    struct fixture *fixture = *state;
    const struct load_range split[] = {
        {2 * MIB, 3 * MIB, LOAD_RAM}, {MIB, 2 * MIB, LOAD_RAM}, {0x1000, 0x9f000, LOAD_RAM}};
    const struct load_range holed[] = {{0, UINT64_MAX, LOAD_RAM},
                                       {MIB + 0x800, MIB + 0x801, LOAD_BAD},
                                       {MIB + 0x900, 2 * MIB, 77}};
    image_flat(fixture, 0x2000, LOAD_START_LONG, 2 * MIB - 0x1000);
    fixture->request.map = split;
    fixture->request.map_count = COUNT_OF(split);
    fixture_accepts(fixture);
    image_flat(fixture, 0x1000, LOAD_START_PROTECTED, 2 * MIB); /* nothing else starts there */
    fixture->request.map = split;
    fixture->request.map_count = 1;
    fixture->request.flat_address = 2 * MIB + 0x8000;
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rsp, 2 * MIB + 0x2000); /* behind the GDT */
    const struct load_range low[] = {{0x1000, 3 * MIB, LOAD_RAM}, {0x8000, 0x12345, LOAD_NVS}};
    fixture->request.map = low;
    fixture->request.map_count = COUNT_OF(low);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.gdt, 0x12348);
    fixture->request.map = holed;
    fixture->request.map_count = COUNT_OF(holed);
    image_flat(fixture, 0x1000, LOAD_START_LONG, MIB);
    fixture_refuses(fixture, "the image wants 0x100000-0x101000, of which 0x100800-0x100801 is not "
                             "RAM for the guest (the core or the firmware has it)");
}

static void what_a_flat_image_takes_not(void **state)
{
    struct fixture *fixture = *state;
    char initrd[16];
    image_flat(fixture, 0x200, LOAD_START_REAL, 0);
    fixture->request.initrd = initrd;
    fixture->request.initrd_size = sizeof(initrd);
    fixture_refuses(fixture, "a flat image takes no initial RAM disk");
    fixture->request.initrd = NULL;
    fixture->request.initrd_size = 0;
    fixture->request.cmdline = "quiet";
    fixture_refuses(fixture, "a flat image takes no command line");
}

static void no_image_of_any_kind(void **state)
{
    struct fixture *fixture = *state;
    image_flat(fixture, 0x200, LOAD_START_REAL, 0);
    fixture->request.start_given = false;
    fixture_refuses(fixture, "the image is no Linux bzImage and has no multiboot header; as a flat "
                             "one it takes a start mode: real, protected or long");
    memcpy(fixture->bytes + 56, "ARM\x64", 4);
    fixture_refuses(fixture, "the image is a Linux image for AArch64; this is an x86 machine");
    memcpy(fixture->bytes, "\x1f\x8b", 2);
    memset(fixture->bytes + 56, 0, 4);
    fixture_refuses(fixture, "the image is compressed with gzip; unpack it first");
    fixture->request.start_given = true; /* POP DS is what those bytes are, too */
    fixture_accepts(fixture);
    fixture->request.start_given = false;
    memcpy(fixture->bytes, "\xfd\x37zXZ", 5);
    fixture_refuses(fixture, "the image is compressed with xz; unpack it first");
    image_elf32(fixture);
    fixture_refuses(fixture,
                    "the image is an ELF file without a multiboot header in its first 32 KiB");
    fixture->request.start_given = true; /* nobody means to execute that */
    fixture_refuses(fixture,
                    "the image is an ELF file without a multiboot header in its first 32 KiB");
    image_flat(fixture, 0x200, LOAD_START_REAL, 0);
    fixture_put_32(fixture, 0x10, 0x1badb002); /* what only looks like a header */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.kind, LOAD_FLAT);
    fixture->size = 0;
    fixture_refuses(fixture, "the image is empty");
}

static void bad_requests(void **state)
{
    struct fixture *fixture = *state;
    struct load_range map[LOAD_RANGES_MAX + 1];
    uint8_t rsdp[LOAD_RSDP_MAX + 1] = {0};
    const struct load_request good = fixture->request;
    image_flat(fixture, 0x200, LOAD_START_REAL, 0);
    fixture->request.start = 7;
    fixture_refuses(fixture, "there is no start mode 7");
    fixture->request = good;
    fixture->request.map_count = 0;
    fixture_refuses(fixture, "the memory map has 0 ranges; it takes 1 to 128");
    for (unsigned i = 0; i < COUNT_OF(map); i++)
        map[i] = (struct load_range){i * MIB, (i + 1) * MIB, LOAD_RAM};
    fixture->request.map = map;
    fixture->request.map_count = COUNT_OF(map);
    fixture_refuses(fixture, "the memory map has 129 ranges; it takes 1 to 128");
    fixture->request.map_count = 3;
    map[1].end = map[1].start;
    fixture_refuses(fixture, "range 1 of the memory map, 0x100000-0x100000, is empty");
    fixture->request = good;
    fixture->request.initrd = rsdp;
    fixture_refuses(fixture, "the initial RAM disk is empty");
    fixture->request = good;
    fixture->request.rsdp = rsdp;
    fixture->request.rsdp_size = sizeof(rsdp);
    fixture_refuses(fixture, "an RSDP has 20 to 64 bytes, not 65");
    fixture->request = good;
    fixture->request.initrd = rsdp;
    fixture->request.initrd_size = LOAD_LIMIT + 1;
    fixture_refuses(fixture, "an image of 0x200 and an initial RAM disk of 0x100000001 bytes are "
                             "more than 4 GiB");
}

/* Told before a byte is read. */
static void image_of_more_than_4_gib(void **state)
{
    struct fixture *fixture = *state;
    uint8_t byte = 0;
    fixture->request.image = &byte;
    fixture->request.image_size = LOAD_LIMIT + 1;
    const char *wrong =
        load_guest(&fixture->request, &fixture->result, fixture->scratch, LOAD_SCRATCH);
    assert_string_equal(wrong, "an image of 0x100000001 and an initial RAM disk of 0x0 bytes are "
                               "more than 4 GiB");
}

static void scratch_too_small(void **state)
{
    struct fixture *fixture = *state;
    image_flat(fixture, 0x200, LOAD_START_REAL, 0);
    assert_non_null(
        strstr(load_guest(&fixture->request, &fixture->result, fixture->scratch, LOAD_SCRATCH - 1),
               "a scratch of 0xffff bytes"));
    assert_non_null(strstr(
        load_guest(&fixture->request, &fixture->result, (char *)fixture->scratch + 4, LOAD_SCRATCH),
        "it takes 0x10000, aligned to 8"));
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_string_equal(load_kind_name(LOAD_LINUX), "Linux bzImage");
    assert_string_equal(load_kind_name(LOAD_MULTIBOOT1), "multiboot 1");
    assert_string_equal(load_kind_name(LOAD_MULTIBOOT2), "multiboot 2");
    assert_string_equal(load_kind_name(LOAD_FLAT), "flat");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(real_mode),
        FIXTURE_TEST(protected_mode),
        FIXTURE_TEST(long_mode),
        FIXTURE_TEST(where_it_cannot_lie),
        FIXTURE_TEST(maps_that_overlap),
        FIXTURE_TEST(what_a_flat_image_takes_not),
        FIXTURE_TEST(no_image_of_any_kind),
        FIXTURE_TEST(bad_requests),
        FIXTURE_TEST(image_of_more_than_4_gib),
        FIXTURE_TEST(scratch_too_small),
        FIXTURE_TEST(kinds_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
