/* SPDX-License-Identifier: MIT */
/* load_guest() with multiboot 1 kernels, and the images that both versions share: ELF and
 * addresses. */
#include "loader_images.h"

static const uint32_t *information(const struct fixture *fixture)
{
    return fixture_at(fixture, fixture->result.rbx, 120);
}

static void elf32(void **state)
{
    struct fixture *fixture = *state;
    image_elf32(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    fixture_accepts(fixture);
    const struct load_result *result = &fixture->result;
    assert_int_equal(result->kind, LOAD_MULTIBOOT1);
    assert_int_equal(result->start, LOAD_START_PROTECTED);
    assert_int_equal(result->rax, 0x2badb002);
    assert_int_equal(result->rip, 2 * MIB + 0x10); /* the entry is virtual in the file */
    assert_int_equal(*(const uint32_t *)fixture_at(fixture, result->rip, 4), 0x50000010);
    assert_int_equal(*(const uint32_t *)fixture_at(fixture, 3 * MIB, 16), 0x50000300);
    assert_int_equal(result->pieces[1].size, 0x5000); /* bss */
    assert_int_equal(result->pieces[1].from_size, 0x10);
}

static void elf64(void **state)
{
    struct fixture *fixture = *state;
    image_elf64(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 0);
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, 2 * MIB + 0x10);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
}

static void information_for_the_kernel(void **state)
{
    struct fixture *fixture = *state;
    char initrd[4097] = "module";
    image_elf32(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    fixture->request.cmdline = "root=x";
    fixture->request.initrd = initrd;
    fixture->request.initrd_size = sizeof(initrd);
    fixture_accepts(fixture);
    const uint32_t *info = information(fixture);
    assert_int_equal(info[0], 0x1 | 0x4 | 0x8 | 0x40 | 0x200);
    assert_int_equal(info[1], 0x9f000 >> 10);
    assert_int_equal(info[2], 63 * 1024);
    assert_string_equal(fixture_at(fixture, info[4], 7), "root=x");
    assert_int_equal(info[5], 1);
    const uint32_t *module = fixture_at(fixture, info[6], 16);
    assert_int_equal(module[0] % 4096, 0);
    assert_int_equal(module[1] - module[0], sizeof(initrd));
    assert_string_equal(fixture_at(fixture, module[0], sizeof(initrd)), "module");
    assert_string_equal(fixture_at(fixture, info[16], 10), "exitmeter");
    assert_int_equal(info[11], COUNT_OF(fixture_map) * 24);
    for (unsigned i = 0; i < COUNT_OF(fixture_map); i++) {
        const uint32_t *entry = fixture_at(fixture, info[12] + i * 24, 24);
        uint64_t start = entry[1] | (uint64_t)entry[2] << 32;
        uint64_t length = entry[3] | (uint64_t)entry[4] << 32;
        assert_int_equal(entry[0], 20);
        assert_int_equal(start, fixture_map[i].start);
        assert_int_equal(start + length, fixture_map[i].end);
        assert_int_equal(entry[5], fixture_map[i].type);
    }
    fixture->request.initrd = NULL;
    fixture->request.initrd_size = 0;
    fixture->request.cmdline = NULL;
    fixture_accepts(fixture);
    info = information(fixture);
    assert_int_equal(info[5] | info[6], 0);
    assert_string_equal(fixture_at(fixture, info[4], 1), "");
}

static void header_flags(void **state)
{
    struct fixture *fixture = *state;
    image_elf32(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 4);
    fixture_refuses(fixture,
                    "the multiboot header requires a video mode (flag 2), and none is offered");
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 0x8003);
    fixture_refuses(fixture,
                    "the multiboot header requires what flags 0x8000 stand for, which is unknown");
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 0x20003); /* optional: as good as not there */
    fixture_accepts(fixture);
    fixture->request.start_given = true;
    fixture->request.start = LOAD_START_PROTECTED;
    fixture_accepts(fixture);
    fixture->request.start = LOAD_START_LONG;
    fixture_refuses(fixture, "a multiboot kernel starts in protected mode, not in long mode");
}

static void where_the_header_lies(void **state)
{
    struct fixture *fixture = *state;
    image_elf32(fixture);
    image_multiboot1(fixture, 8192 - 12, 3);
    fixture_accepts(fixture);
    memset(fixture->bytes + 8192 - 12, 0, 12);
    image_multiboot1(fixture, 8192 - 8, 3); /* reaches over 8 KiB */
    fixture_refuses(fixture,
                    "the image is an ELF file without a multiboot header in its first 32 KiB");
    memset(fixture->bytes + 8192 - 8, 0, 12);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    fixture->bytes[ELF_HEADER_OFFSET + 8]++;
    fixture_refuses(fixture, "the multiboot header at 0x100 has a wrong checksum: its first 3 "
                             "fields add up to 0x1 instead of 0");
    image_multiboot1(fixture, ELF_HEADER_OFFSET + 0x20, 3); /* that was none, here it is */
    fixture_accepts(fixture);
}

/* Fields of the narrow header and first segment, each with a value that cannot be. */
static void bad_elf32(void **state)
{
    struct fixture *fixture = *state;
    image_elf32(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    fixture->size = 0x2000;
    Elf32_Ehdr *header = (void *)fixture->bytes;
    Elf32_Phdr *segment = (void *)(fixture->bytes + sizeof(*header));
#define BAD(field, value, text)          \
    do {                                 \
        __typeof__(field) own = (field); \
        (field) = (value);               \
        fixture_refuses(fixture, text);  \
        (field) = own;                   \
        fixture_accepts(fixture);        \
    } while (0)
    BAD(header->e_machine, EM_ARM, "ELF32: machine 40 is not i386, so it does not run here");
    BAD(header->e_machine, EM_X86_64, "ELF32: machine 62 is not i386, so it does not run here");
    BAD(header->e_type, ET_REL, "ELF: type 1 is no executable");
    BAD(header->e_ident[EI_DATA], ELFDATA2MSB, "ELF: the byte order is 2, not little-endian");
    BAD(header->e_ident[EI_CLASS], 9, "ELF: class 9 in 0x2000 bytes is neither ELF32 nor ELF64");
    BAD(header->e_ident[0], 0,
        "the image has a multiboot header without load addresses, and is no "
        "ELF file either");
    BAD(header->e_phentsize, 56, "ELF: a program header has 56 bytes instead of 32");
    BAD(header->e_phnum, 0, "ELF: there is no segment to load");
    BAD(header->e_phnum, 65535,
        "ELF: truncated; 65535 program headers at 0x34 are not in 0x2000 bytes");
    BAD(header->e_phoff, 0xffffffff,
        "ELF: truncated; 3 program headers at 0xffffffff are not in 0x2000 bytes");
    BAD(header->e_entry, 0xc0200300, "ELF: the entry 0xc0200300 is in no segment");
    BAD(segment->p_filesz, 0x301, "ELF: segment 0 has 0x301 bytes in the file and 0x300 in memory");
    BAD(segment->p_offset, 0x1d01,
        "ELF: truncated; segment 0, 0x300 bytes at 0x1d01, is not in 0x2000 bytes");
    BAD(segment->p_offset, 0xffffffff,
        "ELF: truncated; segment 0, 0x300 bytes at 0xffffffff, is not in 0x2000 bytes");
    BAD(segment->p_memsz, 0xffffffff,
        "ELF: segment 0, 0xffffffff bytes for 0x200000, is not below "
        "4 GiB");
    BAD(segment->p_paddr, 0xffffff01,
        "ELF: segment 0, 0x300 bytes for 0xffffff01, is not below 4 GiB");
    BAD(segment->p_paddr, 3 * MIB - 0x200,
        "a segment of the image wants 0x300000-0x305000, and so does another part: "
        "0x2ffe00-0x300100");
    BAD(segment->p_paddr, 0x800,
        "a segment of the image wants 0x800-0xb00; the first page stays as it is");
    BAD(segment->p_paddr, 0x9ef00,
        "a segment of the image wants 0x9ef00-0x9f200, of which 0x9f000-0x9f200 is not RAM for the "
        "guest (the core or the firmware has it)");
}

static void elf_files_for_others(void **state)
{
    struct fixture *fixture = *state;
    Elf64_Ehdr *header = (void *)fixture->bytes;
    image_elf64(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    header->e_machine = EM_AARCH64;
    fixture_refuses(fixture, "ELF64: machine 183 is not x86-64, so it does not run here");
    header->e_machine = EM_X86_64;
    Elf64_Phdr *segment = (void *)(fixture->bytes + sizeof(*header));
    segment->p_offset = UINT64_MAX - 0x100; /* the end wraps around */
    fixture_refuses(fixture, "ELF: truncated; segment 0, 0x300 bytes at 0xfffffffffffffeff, is not "
                             "in 0x510 bytes");
    segment->p_offset = 0;
    segment->p_paddr = UINT64_MAX - 0x100;
    fixture_refuses(fixture, "ELF: segment 0, 0x300 bytes for 0xfffffffffffffeff, is not below 4 "
                             "GiB");
    header->e_phoff = UINT64_MAX - 8;
    fixture_refuses(fixture, "ELF: truncated; 2 program headers at 0xfffffffffffffff7 are not in "
                             "0x510 bytes");
}

/* A header is in it, but no file header has room. */
static void elf_files_cut_off(void **state)
{
    struct fixture *fixture = *state;
    image_elf64(fixture);
    image_multiboot1(fixture, 8, 0);
    fixture->size = 63;
    fixture_refuses(fixture, "ELF: class 2 in 0x3f bytes is neither ELF32 nor ELF64");
    fixture->size = 51;
    fixture_refuses(fixture, "the image has a multiboot header without load addresses, and is no "
                             "ELF file either");
}

static void too_many_segments(void **state)
{
    struct fixture *fixture = *state;
    Elf32_Ehdr *header = (void *)fixture->bytes;
    image_elf32(fixture);
    header->e_phoff = 0x1000;
    header->e_phnum = LOAD_PIECES_MAX + 1;
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf32_Phdr segment = {.p_type = PT_LOAD,
                                    .p_vaddr = 0xc0200000 + i * 0x1000,
                                    .p_paddr = 2 * MIB + i * 0x1000,
                                    .p_memsz = 0x100};
        fixture_put(fixture, 0x1000 + i * sizeof(segment), &segment, sizeof(segment));
    }
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 3);
    fixture_refuses(fixture, "the image has too many segments: it would take more than 32 pieces");
    header->e_phnum = LOAD_PIECES_MAX - 2; /* information and GDT */
    fixture_accepts(fixture);
}

#define AOUT_HEADER 0x40u /* in the file; 0x20 bytes before it stay out */
#define AOUT_LOAD   0x400000u

static void image_aout(struct fixture *fixture, uint32_t header, uint32_t load, uint32_t load_end,
                       uint32_t bss_end, uint32_t entry)
{
    const uint32_t addresses[] = {header, load, load_end, bss_end, entry};

    for (unsigned i = 0; i < 0x1000; i += 4)
        fixture_put_32(fixture, i, i);
    image_multiboot1(fixture, AOUT_HEADER, 0x10003);
    fixture_put(fixture, AOUT_HEADER + 12, addresses, sizeof(addresses));
}

static void addresses_in_the_header(void **state)
{
    struct fixture *fixture = *state;
    image_aout(fixture, AOUT_LOAD + 0x20, AOUT_LOAD, AOUT_LOAD + 0x800, AOUT_LOAD + 0x9000,
               AOUT_LOAD + 0x100);
    fixture_accepts(fixture);
    const struct load_piece *piece = &fixture->result.pieces[0];
    assert_int_equal(fixture->result.rip, AOUT_LOAD + 0x100);
    assert_int_equal(piece->to, AOUT_LOAD);
    assert_int_equal(piece->from_size, 0x800);
    assert_int_equal(piece->size, 0x9000);
    assert_int_equal(*(const uint32_t *)fixture_at(fixture, AOUT_LOAD + 0x100, 4), 0x120);
    image_aout(fixture, AOUT_LOAD + 0x20, AOUT_LOAD, 0, 0, AOUT_LOAD); /* all of the file */
    fixture_accepts(fixture);
    assert_int_equal(piece->from_size, 0x1000 - 0x20);
    assert_int_equal(piece->size, 0x1000 - 0x20);
    image_aout(fixture, AOUT_LOAD, UINT32_MAX, 0, 0, AOUT_LOAD); /* from its first byte on */
    fixture_accepts(fixture);
    assert_int_equal(piece->to, AOUT_LOAD - AOUT_HEADER);
    assert_int_equal(piece->from_size, 0x1000);
}

static void bad_addresses(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t load = AOUT_LOAD, header = AOUT_LOAD + 0x20;
    image_aout(fixture, header, load + 0x21, 0, 0, load + 0x100);
    fixture_refuses(fixture, "multiboot: load address 0x400021 does not lie in the file, whose "
                             "offset 0x40 comes to 0x400020");
    image_aout(fixture, header, load - 0x21, 0, 0, load);
    fixture_refuses(fixture, "multiboot: load address 0x3fffdf does not lie in the file, whose "
                             "offset 0x40 comes to 0x400020");
    image_aout(fixture, 0x3f, UINT32_MAX, 0, 0, load);
    fixture_refuses(fixture, "multiboot: header address 0x3f is below its offset 0x40 in the file, "
                             "which is to be loaded from its start");
    image_aout(fixture, header, load, load + 0xfe1, 0, load);
    fixture_refuses(fixture, "multiboot: truncated, or wrong addresses; 0x400000-0x400fe1 is to be "
                             "loaded, and the file has 0xfe0 bytes of it");
    image_aout(fixture, header, load, load, 0, load);
    fixture_refuses(fixture, "multiboot: truncated, or wrong addresses; 0x400000-0x400000 is to be "
                             "loaded, and the file has 0xfe0 bytes of it");
    image_aout(fixture, header, load, load + 0x800, load + 0x7ff, load);
    fixture_refuses(fixture, "multiboot: the bss ends at 0x4007ff, before the data at 0x400800");
    image_aout(fixture, header, load, load + 0x800, 0, load + 0x800);
    fixture_refuses(fixture, "multiboot: the entry 0x400800 is not in 0x400000-0x400800, which is "
                             "loaded");
    image_aout(fixture, header, load, 0, 0, load - 1);
    fixture_refuses(fixture, "multiboot: the entry 0x3fffff is not in 0x400000-0x400fe0, which is "
                             "loaded");
    image_aout(fixture, header, load, 0, 64 * MIB + 1, load);
    fixture_refuses(fixture, "the image wants 0x400000-0x4000001, of which 0x4000000-0x4000001 is "
                             "not RAM for the guest (the core or the firmware has it)");
    fixture->size = AOUT_HEADER + 31;
    fixture_refuses(fixture, "the multiboot header at 0x40 is cut off");
}

/* Even an ELF file is loaded by the header's addresses if the header says so. */
static void addresses_of_an_elf_file(void **state)
{
    struct fixture *fixture = *state;
    const uint32_t addresses[] = {5 * MIB + ELF_HEADER_OFFSET, 5 * MIB, 0, 0, 5 * MIB + 0x200};
    image_elf64(fixture);
    image_multiboot1(fixture, ELF_HEADER_OFFSET, 0x10000);
    fixture_put(fixture, ELF_HEADER_OFFSET + 12, addresses, sizeof(addresses));
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, 5 * MIB + 0x200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(elf32),
        FIXTURE_TEST(elf64),
        FIXTURE_TEST(information_for_the_kernel),
        FIXTURE_TEST(header_flags),
        FIXTURE_TEST(where_the_header_lies),
        FIXTURE_TEST(bad_elf32),
        FIXTURE_TEST(elf_files_for_others),
        FIXTURE_TEST(elf_files_cut_off),
        FIXTURE_TEST(too_many_segments),
        FIXTURE_TEST(addresses_in_the_header),
        FIXTURE_TEST(bad_addresses),
        FIXTURE_TEST(addresses_of_an_elf_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
