/* SPDX-License-Identifier: MIT */
/* Images that the loaders take, as small as can be, composed in a fixture's bytes. */
#ifndef EXITMETER_GUESTS_TESTS_LOADER_IMAGES_H
#define EXITMETER_GUESTS_TESTS_LOADER_IMAGES_H

#include "loader_fixture.h"

#include <asm/bootparam.h>
#include <elf.h>

#define LINUX_SETUP  (3 * 512u) /* two sectors and the first */
#define LINUX_PART   0x1000u
#define LINUX_HEADER ((struct setup_header *)(fixture->bytes + 0x1f1))

/* A relocatable bzImage with a 64-bit entry, of boot protocol 2.15. */
static inline void image_linux(struct fixture *fixture)
{
    const struct setup_header header = {
        .setup_sects = 2,
        .syssize = LINUX_PART / 16,
        .boot_flag = 0xaa55,
        .jump = 0xeb | 0x6a << 8, /* to 0x26c */
        .header = 0x53726448,     /* "HdrS" */
        .version = 0x20f,
        .type_of_loader = 0x11,
        .loadflags = LOADED_HIGH | KEEP_SEGMENTS | CAN_USE_HEAP,
        .code32_start = 0x100000,
        .initrd_addr_max = 0x7fffffff,
        .kernel_alignment = 2 * MIB,
        .relocatable_kernel = 1,
        .min_alignment = 21,
        .xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G,
        .cmdline_size = 255,
        .setup_data = 0x1234567812345678,
        .pref_address = 16 * MIB,
        .init_size = 8 * MIB,
        .kernel_info_offset = 0x4242,
    };

    memset(fixture->bytes, 0xcc, LINUX_SETUP);
    fixture_put(fixture, 0x1f1, &header, sizeof(header));
    for (unsigned i = 0; i < LINUX_PART; i += 4)
        fixture_put_32(fixture, LINUX_SETUP + i, 0x40000000 + i);
}

#define ELF_HEADER_OFFSET  0x100u /* the multiboot header's */
#define ELF_SEGMENT_OFFSET 0x200u
#define ELF_SEGMENT_SIZE   0x300u

/* Code at 2 MiB, and data with a bss at 3 MiB; virtual addresses are high. */
static inline void image_elf32(struct fixture *fixture)
{
    const Elf32_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_386,
        .e_version = EV_CURRENT,
        .e_entry = 0xc0200010,
        .e_phoff = sizeof(header),
        .e_ehsize = sizeof(header),
        .e_phentsize = sizeof(Elf32_Phdr),
        .e_phnum = 3,
    };
    const Elf32_Phdr segments[] = {
        {PT_LOAD, ELF_SEGMENT_OFFSET, 0xc0200000, 2 * MIB, ELF_SEGMENT_SIZE, ELF_SEGMENT_SIZE,
         PF_R | PF_X, 0x1000},
        {PT_NOTE, 0xffffff00, 0, 0, 0xffff, 0xffff, PF_R, 4},
        {PT_LOAD, ELF_SEGMENT_OFFSET + ELF_SEGMENT_SIZE, 0xc0300000, 3 * MIB, 0x10, 0x5000,
         PF_R | PF_W, 0x1000},
    };

    for (unsigned i = 0; i < ELF_SEGMENT_SIZE + 0x10; i += 4)
        fixture_put_32(fixture, ELF_SEGMENT_OFFSET + i, 0x50000000 + i);
    fixture_put(fixture, 0, &header, sizeof(header));
    fixture_put(fixture, sizeof(header), segments, sizeof(segments));
}

static inline void image_elf64(struct fixture *fixture)
{
    const Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_entry = 0xffffffff80200010,
        .e_phoff = sizeof(header),
        .e_ehsize = sizeof(header),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = 2,
    };
    const Elf64_Phdr segments[] = {
        {PT_LOAD, PF_R | PF_X, ELF_SEGMENT_OFFSET, 0xffffffff80200000, 2 * MIB, ELF_SEGMENT_SIZE,
         ELF_SEGMENT_SIZE, 0x1000},
        {PT_LOAD, PF_R | PF_W, ELF_SEGMENT_OFFSET + ELF_SEGMENT_SIZE, 0xffffffff80300000, 3 * MIB,
         0x10, 0x5000, 0x1000},
    };

    for (unsigned i = 0; i < ELF_SEGMENT_SIZE + 0x10; i += 4)
        fixture_put_32(fixture, ELF_SEGMENT_OFFSET + i, 0x50000000 + i);
    fixture_put(fixture, 0, &header, sizeof(header));
    fixture_put(fixture, sizeof(header), segments, sizeof(segments));
}

/* A multiboot 1 header there. */
static inline void image_multiboot1(struct fixture *fixture, uint64_t at, uint32_t flags)
{
    fixture_put_32(fixture, at, 0x1badb002);
    fixture_put_32(fixture, at + 4, flags);
    fixture_put_32(fixture, at + 8, -(0x1badb002 + flags));
}

/* A multiboot 2 header there, with tags (bytes) and the end tag behind them. */
static inline void image_multiboot2(struct fixture *fixture, uint64_t at, const void *tags,
                                    uint32_t bytes)
{
    const uint32_t end[] = {0, 8};
    uint32_t length = 16 + bytes + sizeof(end);

    fixture_put_32(fixture, at, 0xe85250d6);
    fixture_put_32(fixture, at + 4, 0);
    fixture_put_32(fixture, at + 8, length);
    fixture_put_32(fixture, at + 12, -(0xe85250d6 + length));
    if (bytes)
        fixture_put(fixture, at + 16, tags, bytes);
    fixture_put(fixture, at + 16 + bytes, end, sizeof(end));
}

#endif
