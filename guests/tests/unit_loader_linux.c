/* SPDX-License-Identifier: MIT */
/* load_guest() with a Linux bzImage. */
#include "loader_images.h"

static const struct boot_params *zero_page(const struct fixture *fixture)
{
    return fixture_at(fixture, fixture->result.rsi, sizeof(struct boot_params));
}

static void enters_64_bit_code(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture->request.cmdline = "console=ttyS0";
    fixture->request.acpi_rsdp = 0xf5a10;
    fixture_accepts(fixture);
    const struct load_result *result = &fixture->result;
    assert_int_equal(result->kind, LOAD_LINUX);
    assert_int_equal(result->start, LOAD_START_LONG);
    assert_int_equal(result->rip, 16 * MIB + 0x200);
    assert_int_equal(result->rax | result->rbx | result->rsp, 0);
    assert_int_equal(result->pieces[0].to, 16 * MIB);
    assert_int_equal(result->pieces[0].size, LINUX_PART);
    assert_int_equal(result->pieces[0].room, 8 * MIB);
    assert_int_equal(*(const uint32_t *)fixture_at(fixture, result->rip, 4), 0x40000200);
    const struct boot_params *page = zero_page(fixture);
    assert_int_equal(page->hdr.type_of_loader, 0xff);
    assert_int_equal(page->hdr.loadflags, LOADED_HIGH);
    assert_int_equal(page->hdr.code32_start, 16 * MIB);
    assert_int_equal(page->hdr.setup_data, 0);
    assert_int_equal(page->hdr.kernel_info_offset, 0x4242);
    assert_int_equal(page->hdr.ramdisk_image | page->hdr.ramdisk_size, 0);
    assert_int_equal(page->sentinel, 0);
    assert_int_equal(page->acpi_rsdp_addr, 0xf5a10);
    assert_string_equal(fixture_at(fixture, page->hdr.cmd_line_ptr, 14), "console=ttyS0");
    /* Behind the header of the file there is code, which is none of the zero page's. */
    assert_int_equal(((const uint8_t *)page)[0x26c], 0);
}

static void page_tables_map_4_gib(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture_accepts(fixture);
    const uint64_t address_bits = 0xffffffffff000;
    for (uint64_t address = 0x1000; address < LOAD_LIMIT; address += 77 * MIB + 0x1000) {
        uint64_t table = fixture->result.cr3, entry = 0;
        for (int shift = 39; shift >= 21; shift -= 9) {
            entry = *(const uint64_t *)fixture_at(fixture, table + (address >> shift & 511) * 8, 8);
            assert_int_equal(entry & 3, 3);
            assert_int_equal(entry >> 7 & 1, shift == 21);
            table = entry & address_bits;
        }
        assert_int_equal(entry & address_bits, address & ~(2 * MIB - 1));
    }
}

static void enters_32_bit_code(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture->request.start_given = true;
    fixture->request.start = LOAD_START_PROTECTED;
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
    assert_int_equal(fixture->result.rip, 16 * MIB);
    assert_non_null(zero_page(fixture));
    fixture->request.start_given = false;
    LINUX_HEADER->xloadflags = 0;
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
}

static void tells_the_memory_map(void **state)
{
    struct fixture *fixture = *state;
    struct load_range map[LOAD_RANGES_MAX];
    image_linux(fixture);
    fixture_accepts(fixture);
    const struct boot_params *page = zero_page(fixture);
    assert_int_equal(page->e820_entries, COUNT_OF(fixture_map));
    for (unsigned i = 0; i < COUNT_OF(fixture_map); i++) {
        assert_int_equal(page->e820_table[i].addr, fixture_map[i].start);
        assert_int_equal(page->e820_table[i].size, fixture_map[i].end - fixture_map[i].start);
        assert_int_equal(page->e820_table[i].type, fixture_map[i].type);
    }
    for (unsigned i = 0; i < LOAD_RANGES_MAX; i++)
        map[i] = (struct load_range){i * MIB, (i + 1) * MIB, LOAD_RAM};
    fixture->request.map = map;
    fixture->request.map_count = LOAD_RANGES_MAX;
    fixture_accepts(fixture);
    page = zero_page(fixture);
    assert_int_equal(page->e820_entries, LOAD_RANGES_MAX);
    assert_int_equal(page->e820_table[127].addr, 127 * MIB);
}

static void initrd_lies_high_but_in_reach(void **state)
{
    struct fixture *fixture = *state;
    char initrd[5000] = "initrd";
    image_linux(fixture);
    fixture->request.initrd = initrd;
    fixture->request.initrd_size = sizeof(initrd);
    fixture_accepts(fixture);
    const struct boot_params *page = zero_page(fixture);
    assert_int_equal(page->hdr.ramdisk_image, 127 * MIB - 0x2000);
    assert_int_equal(page->hdr.ramdisk_size, sizeof(initrd));
    assert_string_equal(fixture_at(fixture, page->hdr.ramdisk_image, sizeof(initrd)), "initrd");
    /* The last byte may lie at initrd_addr_max. */
    LINUX_HEADER->initrd_addr_max = 24 * MIB + 0x1fff;
    fixture_accepts(fixture);
    assert_int_equal(zero_page(fixture)->hdr.ramdisk_image, 24 * MIB);
    LINUX_HEADER->initrd_addr_max = 24 * MIB + 5000 - 2; /* and the kernel's 8 MiB are below */
    fixture_accepts(fixture);
    assert_int_equal(zero_page(fixture)->hdr.ramdisk_image, 16 * MIB - 0x2000);
    LINUX_HEADER->initrd_addr_max = MIB + 4998;
    fixture_refuses(fixture,
                    "the initial RAM disk wants 0x1388 bytes, and 0x100000-0x101387 has no "
                    "such room for it");
}

static void goes_where_there_is_room(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    LINUX_HEADER->init_size = 40 * MIB;
    LINUX_HEADER->pref_address = 30 * MIB; /* reaches into the core's 64-80 MiB */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, 80 * MIB + 0x200);
    assert_int_equal(zero_page(fixture)->hdr.code32_start, 80 * MIB);
    LINUX_HEADER->relocatable_kernel = 0;
    fixture_refuses(fixture,
                    "the kernel wants 0x1e00000-0x4600000, of which 0x4000000-0x4600000 is "
                    "not RAM for the guest (the core or the firmware has it)");
    LINUX_HEADER->relocatable_kernel = 1;
    LINUX_HEADER->kernel_alignment = 128 * MIB;
    fixture_refuses(fixture, "the kernel wants 0x8000000-0xa800000, of which 0x8000000-0xa800000 "
                             "is not RAM for the guest (the core or the firmware has it)");
    LINUX_HEADER->kernel_alignment = 2 * MIB;
    LINUX_HEADER->init_size = 120 * MIB;
    fixture_refuses(fixture,
                    "the kernel wants 0x1e00000-0x9600000, of which 0x4000000-0x5000000 is "
                    "not RAM for the guest (the core or the firmware has it)");
}

static void old_protocols(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    LINUX_HEADER->version = 0x206; /* fields behind cmdline_size mean nothing yet */
    LINUX_HEADER->jump = 0xeb | 0x3a << 8;
    LINUX_HEADER->hardware_subarch = 0x55; /* behind the header's end */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.start, LOAD_START_PROTECTED);
    assert_int_equal(fixture->result.rip, 2 * MIB); /* 1 MiB, aligned */
    assert_int_equal(fixture->result.pieces[0].room, 3 * LINUX_PART);
    assert_int_equal(zero_page(fixture)->hdr.hardware_subarch, 0);
    LINUX_HEADER->relocatable_kernel = 0;
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.rip, MIB);
    LINUX_HEADER->version = 0x205;
    fixture_refuses(fixture, "bzImage: boot protocol 2.05 is too old; it takes 2.06");
}

/* Room enough, but not where its alignment would have it. */
static void never_unaligned(void **state)
{
    struct fixture *fixture = *state;
    const struct load_range map[] = {{0, 0x9f000, LOAD_RAM}, {MIB, 2 * MIB, LOAD_RAM}};
    image_linux(fixture);
    LINUX_HEADER->version = 0x206;
    fixture->request.map = map;
    fixture->request.map_count = COUNT_OF(map);
    fixture_refuses(fixture,
                    "the kernel wants 0x200000-0x203000, of which 0x200000-0x203000 is not "
                    "RAM for the guest (the core or the firmware has it)");
    LINUX_HEADER->relocatable_kernel = 0;
    fixture_accepts(fixture);
}

static void truncated(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture->size -= 15; /* less than a paragraph is rounding */
    fixture_accepts(fixture);
    fixture->size -= 1;
    fixture_refuses(fixture, "bzImage: truncated; it has 0x15f0 bytes of 0x1600");
    fixture->size = LINUX_SETUP;
    fixture_refuses(fixture, "bzImage: truncated; it has 0x600 bytes of 0x1600");
    fixture->size = 0x450;
    fixture_refuses(fixture, "bzImage: truncated; it has 0x450 bytes of 0x1600");
    image_linux(fixture);
    LINUX_HEADER->setup_sects = 0; /* that is 4 */
    fixture_refuses(fixture, "bzImage: truncated; it has 0x1600 bytes of 0x1a00");
    LINUX_HEADER->setup_sects = 2;
    LINUX_HEADER->syssize = UINT32_MAX;
    fixture_refuses(fixture, "bzImage: truncated; it has 0x1600 bytes of 0x10000005f0");
    LINUX_HEADER->syssize = 0;
    fixture_refuses(fixture, "bzImage: there is no protected-mode part: syssize is 0");
}

static void what_follows_the_kernel_stays_out(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture_put_32(fixture, fixture->size + 100, 0); /* a signature, say */
    fixture_accepts(fixture);
    assert_int_equal(fixture->result.pieces[0].size, LINUX_PART);
}

static void bad_headers(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    const struct setup_header good = *LINUX_HEADER;
#define BAD(field, value, text)         \
    do {                                \
        LINUX_HEADER->field = (value);  \
        fixture_refuses(fixture, text); \
        *LINUX_HEADER = good;           \
    } while (0)
    BAD(boot_flag, 0x55aa, "bzImage: the boot flag is 0x55aa instead of 0xaa55");
    BAD(loadflags, 0, "a zImage, which loads below 1 MiB; build a bzImage");
    BAD(jump, 0x8feb, "bzImage: the setup header ends at 0x291, and not in 0x23c-0x290");
    BAD(jump, 0x39eb, "bzImage: the setup header ends at 0x23b, and not in 0x23c-0x290");
    BAD(kernel_alignment, 0, "bzImage: a kernel_alignment of 0x0 is no power of 2 from 0x1000");
    BAD(kernel_alignment, 0x800,
        "bzImage: a kernel_alignment of 0x800 is no power of 2 from 0x1000");
    BAD(kernel_alignment, 0x300000,
        "bzImage: a kernel_alignment of 0x300000 is no power of 2 from 0x1000");
    BAD(pref_address, 0xff000, "bzImage: pref_address 0xff000 is not in 1 MiB to 4 GiB");
    BAD(pref_address, UINT64_MAX,
        "bzImage: pref_address 0xffffffffffffffff is not in 1 MiB to 4 GiB");
    BAD(init_size, UINT32_MAX,
        "the kernel wants 0xffffffff bytes from 0x1000000 on, which is not below 4 GiB");
#undef BAD
}

static void starts_that_cannot_be(void **state)
{
    struct fixture *fixture = *state;
    image_linux(fixture);
    fixture->request.start_given = true;
    fixture->request.start = LOAD_START_REAL;
    fixture_refuses(fixture, "a bzImage starts in protected or long mode here, not in real mode, "
                             "which takes a BIOS");
    fixture->request.start = LOAD_START_LONG;
    LINUX_HEADER->xloadflags = 0;
    fixture_refuses(fixture, "this bzImage has no 64-bit entry; it starts in protected mode");
    LINUX_HEADER->xloadflags = XLF_KERNEL_64;
    LINUX_HEADER->syssize = 0x200 / 16;
    fixture_refuses(fixture, "bzImage: its 0x200 bytes end before the 64-bit entry at 0x200");
}

static void command_lines(void **state)
{
    struct fixture *fixture = *state;
    char *text = calloc(1, LOAD_CMDLINE_MAX + 2);
    image_linux(fixture);
    fixture->request.cmdline = text;
    memset(text, 'x', 255);
    fixture_accepts(fixture);
    text[255] = 'x';
    fixture_refuses(fixture, "the command line has 256 characters; this kernel takes 255");
    LINUX_HEADER->cmdline_size = UINT32_MAX;
    memset(text, 'x', LOAD_CMDLINE_MAX);
    fixture_accepts(fixture);
    text[LOAD_CMDLINE_MAX] = 'x';
    fixture_refuses(fixture, "the command line has 4096 characters; 4095 is the most");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FIXTURE_TEST(enters_64_bit_code),
        FIXTURE_TEST(page_tables_map_4_gib),
        FIXTURE_TEST(enters_32_bit_code),
        FIXTURE_TEST(tells_the_memory_map),
        FIXTURE_TEST(initrd_lies_high_but_in_reach),
        FIXTURE_TEST(goes_where_there_is_room),
        FIXTURE_TEST(old_protocols),
        FIXTURE_TEST(never_unaligned),
        FIXTURE_TEST(truncated),
        FIXTURE_TEST(what_follows_the_kernel_stays_out),
        FIXTURE_TEST(bad_headers),
        FIXTURE_TEST(starts_that_cannot_be),
        FIXTURE_TEST(command_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
