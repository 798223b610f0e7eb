/* SPDX-License-Identifier: MIT */
/*
 * load_guest() with what no one would build: valid images cut off at every byte, and with bytes
 * changed at random, from fixed seeds. Whatever it answers, it reads nothing outside the files (the
 * sanitizer sees to that), and what it plans keeps loader.h's promises (the fixture does).
 */
#include "loader_images.h"

#define FLIPPED 20000u /* images of each kind */

static const uint32_t relocatable_tags[] = {1, 16, 3,  6,       10, 24, MIB, 0xffffffff, 0x1000,
                                            0, 3,  12, 2 * MIB, 0,  4,  12,  2,          0};
static const uint32_t address_tags[] = {
    2, 24, 4 * MIB + ELF_HEADER_OFFSET, 4 * MIB, 0, 0, 3, 12, 4 * MIB, 0};

static void linux_64(struct fixture *fixture)
{
    image_linux(fixture);
}

static void linux_32(struct fixture *fixture)
{
    image_linux(fixture);
    LINUX_HEADER->xloadflags = 0;
    LINUX_HEADER->relocatable_kernel = 0;
}

static void multiboot1_elf(struct fixture *fixture)
{
    image_elf32(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
}

static void multiboot1_addresses(struct fixture *fixture)
{
    const uint32_t addresses[] = {5 * MIB + ELF_HEADER_OFFSET, 5 * MIB, 5 * MIB + 0x400, 6 * MIB,
                                  5 * MIB + 0x200};
    image_elf64(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 0x10003);
    fixture_put(fixture, ELF_HEADER_OFFSET + 12, addresses, sizeof(addresses));
}

static void multiboot2_elf(struct fixture *fixture)
{
    image_elf64(fixture);
    image_multiboot2(fixture, ELF_HEADER_OFFSET, relocatable_tags, sizeof(relocatable_tags));
}

static void multiboot2_addresses(struct fixture *fixture)
{
    image_elf64(fixture);
    image_multiboot2(fixture, ELF_HEADER_OFFSET, address_tags, sizeof(address_tags));
}

static const struct {
    const char *name;
    void (*compose)(struct fixture *fixture);
    enum load_kind kind;
    /* Where what is read lies, so that changes hit it: two stretches of the file. */
    struct {
        uint32_t start, end;
    } read[2];
} images[] = {
    {"linux, 64-bit", linux_64, LOAD_LINUX, {{0x1f1, 0x26c}, {0x1f1, 0x26c}}},
    {"linux, 32-bit", linux_32, LOAD_LINUX, {{0x1f1, 0x26c}, {0x1f1, 0x26c}}},
    {"multiboot 1, ELF", multiboot1_elf, LOAD_MULTIBOOT1, {{0, 0x94}, {0x34, 0x94}}},
    {"multiboot 1, addresses",
     multiboot1_addresses,
     LOAD_MULTIBOOT1,
     {{0x10c, 0x120}, {0x10c, 0x120}}},
    {"multiboot 2, ELF", multiboot2_elf, LOAD_MULTIBOOT2, {{0, 0xb0}, {0x110, 0x160}}},
    {"multiboot 2, addresses",
     multiboot2_addresses,
     LOAD_MULTIBOOT2,
     {{0x110, 0x134}, {0x110, 0x134}}},
};

/* xorshift64* */
static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed >> 12;
    *seed ^= *seed << 25;
    *seed ^= *seed >> 27;
    return *seed * 0x2545f4914f6cdd1dull;
}

static void request_all(struct fixture *fixture)
{
    static const char initrd[0x1801];
    static const uint8_t rsdp[36] = {[15] = 2};

    fixture->request.initrd = initrd;
    fixture->request.initrd_size = sizeof(initrd);
    fixture->request.cmdline = "one two";
    fixture->request.rsdp = rsdp;
    fixture->request.rsdp_size = sizeof(rsdp);
}

static void cut_off_at_each_byte(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < COUNT_OF(images); i++) {
        fixture->size = 0;
        memset(fixture->bytes, 0, sizeof(fixture->bytes));
        images[i].compose(fixture);
        request_all(fixture);
        fixture_accepts(fixture);
        assert_int_equal(fixture->result.kind, images[i].kind);
        unsigned refused = 0;
        while (fixture->size--)
            refused += fixture_load(fixture) != NULL;
        assert_true(refused > 0x100);
        fixture->size = 0;
    }
}

/* A byte, a field of 32 bits, or one of the values that arithmetic goes wrong on. */
static void change(struct fixture *fixture, uint64_t *seed, uint32_t start, uint32_t end)
{
    static const uint32_t edges[] = {0,          1,          0x7fffffff, 0x80000000,
                                     0xfffffffe, 0xffffffff, 0xfffff000, 0x1000};
    uint32_t at = start + (uint32_t)(random_next(seed) % (end - start));

    switch (random_next(seed) % 3) {
    case 0:
        fixture->bytes[at] ^= (uint8_t)(1u << random_next(seed) % 8);
        break;
    case 1:
        fixture->bytes[at] = (uint8_t)random_next(seed);
        break;
    default:
        at = start + (at - start) / 4 * 4;
        if (at + 4 <= end)
            fixture_put_32(fixture, at, edges[random_next(seed) % COUNT_OF(edges)]);
    }
}

static void changed_at_random(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < COUNT_OF(images); i++) {
        uint64_t seed = 0x9e3779b97f4a7c15 + i;
        unsigned accepted = 0;
        fixture->size = 0;
        memset(fixture->bytes, 0, sizeof(fixture->bytes));
        for (unsigned j = 0; j < FLIPPED; j++) {
            images[i].compose(fixture);
            request_all(fixture);
            for (unsigned k = random_next(&seed) % 4 + 1; k; k--) {
                unsigned which = random_next(&seed) % 2;
                change(fixture, &seed, images[i].read[which].start, images[i].read[which].end);
            }
            fixture->request.start_given = random_next(&seed) % 2;
            fixture->request.start = (enum load_start)(random_next(&seed) % LOAD_STARTS);
            accepted += fixture_load(fixture) == NULL;
        }
        /* Else nearly all would end at the first check. */
        if (accepted < FLIPPED / 50 || accepted > FLIPPED * 9 / 10)
            fail_msg("%s: %u of %u accepted", images[i].name, accepted, FLIPPED);
    }
}

/* Maps of any kind under an image that is as it should be. */
static void maps_at_random(void **state)
{
    struct fixture *fixture = *state;
    struct load_range map[24];
    uint64_t seed = 0x243f6a8885a308d3;
    unsigned accepted = 0;
    fixture->request.map = map;
    for (unsigned j = 0; j < FLIPPED; j++) {
        uint64_t at = 0;
        fixture->size = 0;
        images[j % COUNT_OF(images)].compose(fixture);
        request_all(fixture);
        fixture->request.map_count = 1 + (uint32_t)(random_next(&seed) % COUNT_OF(map));
        for (unsigned i = 0; i < fixture->request.map_count; i++) {
            uint64_t size = 1 + random_next(&seed) % (random_next(&seed) % 2 ? 64 * MIB : 0x20000);
            at += random_next(&seed) % 2 ? 0 : random_next(&seed) % MIB;
            map[i] = (struct load_range){
                at, at + size, random_next(&seed) % 4 ? LOAD_RAM : 1 + random_next(&seed) % 6};
            at += size;
        }
        accepted += fixture_load(fixture) == NULL;
    }
    assert_true(accepted > FLIPPED / 50 && accepted < FLIPPED * 9 / 10);
}

/* Noise behind each magic number. */
static void noise(void **state)
{
    struct fixture *fixture = *state;
    uint64_t seed = 0x13198a2e03707344;
    for (unsigned j = 0; j < FLIPPED; j++) {
        fixture->size = 0;
        for (unsigned i = 0; i < 0x800; i += 4)
            fixture_put_32(fixture, i, (uint32_t)random_next(&seed));
        request_all(fixture);
        images[j % COUNT_OF(images)].kind == LOAD_LINUX ? fixture_put_32(fixture, 0x202, 0x53726448)
        : images[j % COUNT_OF(images)].kind == LOAD_MULTIBOOT1
            ? image_multiboot1(fixture, 0x80, (uint32_t)random_next(&seed) & 0xffff0003)
            : image_multiboot2(fixture, 0x80, NULL, 0);
        fixture_load(fixture);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(cut_off_at_each_byte),
        FIXTURE_TEST(changed_at_random),
        FIXTURE_TEST(maps_at_random),
        FIXTURE_TEST(noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
