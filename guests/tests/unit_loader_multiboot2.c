/* SPDX-License-Identifier: MIT */
/* load_guest() with multiboot 2 kernels: the header's tags, and the information. */
#include "loader_images.h"

/* The information's tag of that type; NULL: none. */
static const uint32_t *tag_of(const struct fixture *fixture, uint32_t type)
{
    const struct load_result *result = &fixture->result;
    const uint32_t *head = fixture_at(fixture, result->rbx, 8);
    assert_non_null(head);
    for (uint32_t at = 8; at < head[0];) {
        const uint32_t *tag = fixture_at(fixture, result->rbx + at, 8);
        assert_non_null(tag);
        assert_true(tag[1] >= 8 && tag[1] <= head[0] - at);
        if (tag[0] == type)
            return tag;
        if (!tag[0])
            assert_int_equal(at + 8, head[0]); /* the end tag is the last */
        at += (tag[1] + 7) & ~7u;
    }
    return NULL;
}

static void image_tags(struct fixture *fixture, const void *tags, uint32_t bytes)
{
    image_elf64(fixture);
    image_multiboot2(fixture, ELF_HEADER_OFFSET, tags, bytes);
}

#define IMAGE_TAGS(fixture, ...)                             \
    do {                                                     \
        const uint32_t tags[] = {__VA_ARGS__};               \
        image_tags((fixture), tags, (uint32_t)sizeof(tags)); \
    } while (0)

static void elf(void **state)
{
    struct fixture *fixture = *state;
    image_tags(fixture, NULL, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.kind, LOAD_MULTIBOOT2);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
    assert_int_equal(fixture->result.rax, 0x36d76289);
    assert_int_equal(fixture->result.rbx % 8, 0);
    assert_int_equal(fixture->result.rip, 2 * MIB + 0x10);
    assert_non_null(fixture_at(fixture, 3 * MIB, 16));
    image_elf32(fixture);
    image_multiboot2(fixture, ELF_HEADER_OFFSET, NULL, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, 2 * MIB + 0x10);
}

static void of_both_versions_the_second(void **state)
{
    struct fixture *fixture = *state;
    image_elf64(fixture);
    image_multiboot1(fixture, 0xc0, 3);
    image_multiboot2(fixture, ELF_HEADER_OFFSET, NULL, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.kind, LOAD_MULTIBOOT2);
    fixture->bytes[ELF_HEADER_OFFSET + 12]++; /* a wrong sum makes it none */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.kind, LOAD_MULTIBOOT1);
    fixture->bytes[0xc0]++;
    fixture_refuses(fixture, "the multiboot header at 0x100 has a wrong checksum: its first 4 "
                             "fields add up to 0x1 instead of 0");
}

static void information_for_the_kernel(void **state)
{
    struct fixture *fixture = *state;
    const char initrd[100] = "module";
    uint8_t rsdp[36] = "RSD PTR ";
    image_tags(fixture, NULL, 0);
    fixture->request.cmdline = "a b";
    fixture->request.initrd = initrd;
    fixture->request.initrd_size = sizeof(initrd);
    fixture->request.rsdp = rsdp;
    fixture->request.rsdp_size = sizeof(rsdp);
    rsdp[15] = 2;
    fixture_accepts(fixture);
    assert_string_equal((const char *)(tag_of(fixture, 1) + 2), "a b");
    assert_string_equal((const char *)(tag_of(fixture, 2) + 2), "exitmeter");
    const uint32_t *module = tag_of(fixture, 3);
    assert_int_equal(module[2] % 4096, 0);
    assert_int_equal(module[3] - module[2], sizeof(initrd));
    assert_string_equal((const char *)(module + 4), "");
    assert_string_equal(fixture_at(fixture, module[2], sizeof(initrd)), "module");
    assert_int_equal(tag_of(fixture, 4)[2], 0x9f000 >> 10);
    assert_int_equal(tag_of(fixture, 4)[3], 63 * 1024);
    const uint32_t *map = tag_of(fixture, 6);
    assert_int_equal(map[1], 16 + COUNT_OF(fixture_map) * 24);
    assert_int_equal(map[2], 24);
    assert_int_equal(map[3], 0);
    for (unsigned i = 0; i < COUNT_OF(fixture_map); i++) {
        uint64_t entry[3];
        memcpy(entry, map + 4 + i * 6, sizeof(entry));
        assert_int_equal(entry[0], fixture_map[i].start);
        assert_int_equal(entry[0] + entry[1], fixture_map[i].end);
        assert_int_equal(entry[2], fixture_map[i].type);
    }
    assert_int_equal(tag_of(fixture, 15)[1], 8 + sizeof(rsdp));
    assert_memory_equal(tag_of(fixture, 15) + 2, rsdp, sizeof(rsdp));
    assert_null(tag_of(fixture, 14));
    assert_null(tag_of(fixture, 21));
    rsdp[15] = 0; /* ACPI 1.0 */
    fixture_accepts(fixture);
    assert_non_null(tag_of(fixture, 14));
    assert_null(tag_of(fixture, 15));
    fixture->request =
        (struct load_request){.map = fixture_map, .map_count = COUNT_OF(fixture_map)};
    fixture_accepts(fixture);
    assert_string_equal((const char *)(tag_of(fixture, 1) + 2), "");
    assert_null(tag_of(fixture, 3));
    assert_null(tag_of(fixture, 14));
}

/* As much as a request can say. */
static void longest_information(void **state)
{
    struct fixture *fixture = *state;
    static char cmdline[LOAD_CMDLINE_MAX + 1];
    struct load_range map[LOAD_RANGES_MAX];
    uint8_t rsdp[LOAD_RSDP_MAX] = {0};
    const char initrd[1] = "";
    IMAGE_TAGS(fixture, 10, 24, 0, UINT32_MAX, 0, 0);
    memset(cmdline, 'x', LOAD_CMDLINE_MAX);
    for (unsigned i = 0; i < LOAD_RANGES_MAX; i++)
        map[i] = (struct load_range){i * MIB, (i + 1) * MIB, LOAD_RAM};
    fixture->request = (struct load_request){.map = map,
                                             .map_count = LOAD_RANGES_MAX,
                                             .cmdline = cmdline,
                                             .initrd = initrd,
                                             .initrd_size = 1,
                                             .rsdp = rsdp,
                                             .rsdp_size = sizeof(rsdp)};
    fixture_accepts(fixture);
    assert_int_equal(tag_of(fixture, 6)[1], 16 + LOAD_RANGES_MAX * 24);
    assert_int_equal(tag_of(fixture, 21)[2], 2 * MIB);
    assert_string_equal((const char *)(tag_of(fixture, 1) + 2), cmdline);
}

static void requests_for_information(void **state)
{
    struct fixture *fixture = *state;
    IMAGE_TAGS(fixture, 1, 32, 1, 2, 3, 4, 6, 21);
    fixture_accepts(fixture);
    IMAGE_TAGS(fixture, 1, 12, 8, 0);
    fixture_refuses(fixture,
                    "the multiboot 2 header requires information of type 8, which is not offered");
    IMAGE_TAGS(fixture, 1 | 1 << 16, 12, 8, 0); /* optional */
    fixture_accepts(fixture);
    IMAGE_TAGS(fixture, 1, 12, 15, 0);
    fixture_refuses(fixture,
                    "the multiboot 2 header requires information of type 15, which is not offered");
    const uint8_t rsdp[36] = {[15] = 2};
    fixture->request.rsdp = rsdp;
    fixture->request.rsdp_size = sizeof(rsdp);
    fixture_accepts(fixture);
}

static void tags_that_require_more(void **state)
{
    struct fixture *fixture = *state;
    IMAGE_TAGS(fixture, 5, 20, 1024, 768, 32, 0);
    fixture_refuses(fixture,
                    "the multiboot 2 header requires what is not offered: a video mode (tag 5)");
    IMAGE_TAGS(fixture, 5 | 1 << 16, 20, 1024, 768, 32, 0);
    fixture_accepts(fixture);
    IMAGE_TAGS(fixture, 4, 12, 1, 0);
    fixture_refuses(fixture,
                    "the multiboot 2 header requires what is not offered: a console (tag 4)");
    IMAGE_TAGS(fixture, 4, 12, 2, 0); /* knows EGA text, and does without */
    fixture_accepts(fixture);
    IMAGE_TAGS(fixture, 6, 8, 8, 12, 0, 0, 9 | 1 << 16, 12, 0, 0);
    fixture_accepts(fixture);
    IMAGE_TAGS(fixture, 7, 8);
    fixture_refuses(
        fixture, "the multiboot 2 header requires what is not offered: EFI boot services (tag 7)");
    IMAGE_TAGS(fixture, 42, 8);
    fixture_refuses(fixture,
                    "the multiboot 2 header has a tag of type 42 at 0x110, which is unknown "
                    "and not optional");
    IMAGE_TAGS(fixture, 42 | 1 << 16, 8);
    fixture_accepts(fixture);
}

static void broken_headers(void **state)
{
    struct fixture *fixture = *state;
    IMAGE_TAGS(fixture, 3, 12, 0, 0);
    fixture_put_32(fixture, ELF_HEADER_OFFSET + 4, 4);
    fixture_put_32(fixture, ELF_HEADER_OFFSET + 12,
                   fixture_get_32(fixture, ELF_HEADER_OFFSET + 12) - 4);
    fixture_refuses(fixture, "the multiboot 2 header is for architecture 4, not 0, i386");
    IMAGE_TAGS(fixture, 3, 8, 0, 0);
    fixture_refuses(fixture, "the multiboot 2 header's tag of type 3 at 0x110 has 8 bytes, not 12");
    IMAGE_TAGS(fixture, 3, 0, 0, 0);
    fixture_refuses(fixture,
                    "the multiboot 2 header's tag at 0x110 has 0 bytes, and the header ends "
                    "at 0x128");
    IMAGE_TAGS(fixture, 3, UINT32_MAX, 0, 0);
    fixture_refuses(fixture, "the multiboot 2 header's tag at 0x110 has 4294967295 bytes, and the "
                             "header ends at 0x128");
    IMAGE_TAGS(fixture, 6, 24, 0, 0); /* over the end tag */
    fixture_refuses(fixture, "the multiboot 2 header at 0x100 has no end tag");
    image_elf64(fixture);
    fixture->size = 0x600;
    memset(fixture->bytes + ELF_HEADER_OFFSET, 0, 0x100);
    image_multiboot2(fixture, 0x600 - 24, NULL, 0);
    fixture_accepts(fixture);
    fixture->size -= 8;
    fixture_refuses(fixture,
                    "the multiboot 2 header at 0x5e8 is cut off: it has 24 bytes, in a file "
                    "of 0x5f8");
}

static void where_the_header_lies(void **state)
{
    struct fixture *fixture = *state;
    image_elf64(fixture);
    image_multiboot2(fixture, 32768 - 16, NULL, 0); /* what follows the fields may lie behind */
    fixture_accepts(fixture);
    image_elf64(fixture);
    memset(fixture->bytes + 32768 - 16, 0, 32);
    image_multiboot2(fixture, 32768 - 8, NULL, 0);
    fixture_refuses(fixture,
                    "the image is an ELF file without a multiboot header in its first 32 KiB");
    memset(fixture->bytes + 32768 - 8, 0, 32);
    image_multiboot2(fixture, 0x104, NULL, 0); /* not aligned to 8 */
    fixture_refuses(fixture,
                    "the image is an ELF file without a multiboot header in its first 32 KiB");
}

static void addresses_and_entry(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t load = 4 * MIB;
    IMAGE_TAGS(fixture, 2, 24, load + ELF_HEADER_OFFSET, load, load + 0x500, load + 0x2000, 3, 12,
               load + 0x204, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, load + 0x204);
    assert_int_equal(*(const uint32_t *)fixture_at(fixture, load + 0x204, 4), 0x50000004);
    assert_int_equal(fixture->result.pieces[0].size, 0x2000);
    IMAGE_TAGS(fixture, 2, 24, load + ELF_HEADER_OFFSET, load, load + 0x500, load + 0x2000);
    fixture_refuses(fixture,
                    "the multiboot 2 header has load addresses (tag 2), but no entry (tag 3)");
    IMAGE_TAGS(fixture, 3, 12, 3 * MIB, 0); /* overrules the ELF file's */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, 3 * MIB);
    IMAGE_TAGS(fixture, 3, 12, 2 * MIB - 1, 0);
    fixture_refuses(fixture, "the multiboot 2 header's entry 0x1fffff is in no segment");
    IMAGE_TAGS(fixture, 3, 12, 2 * MIB + ELF_SEGMENT_SIZE, 0); /* between two */
    fixture_refuses(fixture, "the multiboot 2 header's entry 0x200300 is in no segment");
}

static void relocatable(void **state)
{
    struct fixture *fixture = *state;
    const struct load_result *result = &fixture->result;
    /* No preference: where it is linked, if that is free. */
    IMAGE_TAGS(fixture, 10, 24, MIB, 0xffffffff, 0x1000, 0);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, 2 * MIB + 0x10);
    assert_int_equal(tag_of(fixture, 21)[2], 2 * MIB);
    /* From 10 MiB on: moved up as a whole. */
    IMAGE_TAGS(fixture, 10, 24, 10 * MIB + 1, 0xffffffff, 0x200000, 0);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, 12 * MIB + 0x10);
    assert_int_equal(result->pieces[1].to, 13 * MIB);
    assert_int_equal(tag_of(fixture, 21)[2], 12 * MIB);
    /* Lowest: moved down. */
    IMAGE_TAGS(fixture, 10, 24, MIB, 0xffffffff, 0x1000, 1);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, MIB + 0x10);
    /* Highest, its last byte at max. */
    IMAGE_TAGS(fixture, 10, 24, MIB, 40 * MIB + 0x4fff, 0x1000, 2);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, 40 * MIB + 0x5000 - 0x105000 + 0x10);
    IMAGE_TAGS(fixture, 10, 24, MIB, 40 * MIB + 0x4ffe, 0x1000, 2);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, 40 * MIB + 0x4000 - 0x105000 + 0x10);
    /* No preference, and linked where its end is behind max. */
    IMAGE_TAGS(fixture, 10, 24, MIB, 2 * MIB + 0x5fff, 0x1000, 0);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, MIB + 0x10);
    /* Never in the first page. */
    const struct load_range all = {0, 64 * MIB, LOAD_RAM};
    fixture->request.map = &all;
    fixture->request.map_count = 1;
    IMAGE_TAGS(fixture, 10, 24, 0, 0xffffffff, 1, 1);
    fixture_accepts(fixture);
    assert_int_equal(result->rip, 0x1000 + 0x10);
    fixture->request.map = fixture_map;
    fixture->request.map_count = COUNT_OF(fixture_map);
    IMAGE_TAGS(fixture, 10, 24, 63 * MIB, 81 * MIB, 0x1000, 0);
    fixture_refuses(fixture,
                    "the image wants 0x105000 bytes in 0x3f00000-0x5100001, where there is "
                    "no such room for it");
    IMAGE_TAGS(fixture, 10, 24, MIB, 0xffffffff, 0x3000, 0);
    fixture_refuses(fixture, "the multiboot 2 header's alignment 0x3000 is no power of 2");
    IMAGE_TAGS(fixture, 10, 24, MIB, 0xffffffff, 0, 1);
    ((Elf64_Phdr *)(fixture->bytes + sizeof(Elf64_Ehdr)))->p_align = 4 * MIB;
    fixture_accepts(fixture); /* the segment's alignment counts, too */
    assert_int_equal(result->rip, 4 * MIB + 0x10);
    ((Elf64_Phdr *)(fixture->bytes + sizeof(Elf64_Ehdr)))->p_align = 1ul << 63;
    fixture_refuses(fixture, "ELF: a segment's alignment of 0x8000000000000000 is more than 4 GiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(elf),
        FIXTURE_TEST(of_both_versions_the_second),
        FIXTURE_TEST(information_for_the_kernel),
        FIXTURE_TEST(longest_information),
        FIXTURE_TEST(requests_for_information),
        FIXTURE_TEST(tags_that_require_more),
        FIXTURE_TEST(broken_headers),
        FIXTURE_TEST(where_the_header_lies),
        FIXTURE_TEST(addresses_and_entry),
        FIXTURE_TEST(relocatable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
