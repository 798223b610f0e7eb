/* SPDX-License-Identifier: MIT */
/*
 * Loaders for the guests that users bring: what goes where in guest memory, and how the vCPU
 * starts. Pure: nothing is allocated, and no guest memory is touched; the caller copies the pieces.
 *
 * Kinds of image, told by the file itself:
 *   Linux bzImage, boot protocol 2.06 and later (Documentation/arch/x86/boot.rst): 32-bit entry,
 *     and where XLF_KERNEL_64 says so 64-bit entry, which is then what is taken unless asked
 *   multiboot 2 (header in the first 32 KiB) and multiboot 1 (in the first 8 KiB): ELF32, ELF64,
 *     or the addresses that the header gives; the initial RAM disk is the one module
 *   flat: anything else, where a start mode is given
 *
 * The files are not trusted: every offset, size, count and alignment is checked before use. What
 * is called RAM here is what the map calls LOAD_RAM and nothing else in it contradicts; nothing is
 * placed elsewhere, nor in the first page, nor at or above LOAD_LIMIT, nor over another piece.
 */
#ifndef EXITMETER_GUESTS_LOADER_LOADER_H
#define EXITMETER_GUESTS_LOADER_LOADER_H

#include <stdbool.h>
#include <stdint.h>

#define LOAD_LIMIT       (4ul << 30) /* guest-physical; nothing is placed from here on */
#define LOAD_RANGES_MAX  128u        /* of a map: as many as Linux's zero page takes */
#define LOAD_PIECES_MAX  32u
#define LOAD_CMDLINE_MAX 4095u        /* characters, whatever the kernel would take */
#define LOAD_RSDP_MAX    64u          /* bytes; ACPI 2.0 has 36 */
#define LOAD_SCRATCH     (64u * 1024) /* bytes that are enough for what a loader composes */
#define LOAD_TEXT        256u

enum load_start {
    LOAD_START_REAL, /* 16-bit, CS:IP */
    LOAD_START_PROTECTED,
    LOAD_START_LONG,
    LOAD_STARTS
};

enum load_kind { LOAD_LINUX, LOAD_MULTIBOOT2, LOAD_MULTIBOOT1, LOAD_FLAT, LOAD_KINDS };

/* Types of the BIOS function E820, which are multiboot's and ACPI's too; another is not RAM. */
enum load_memory {
    LOAD_RAM = 1,
    LOAD_RESERVED = 2,
    LOAD_ACPI = 3,
    LOAD_NVS = 4,
    LOAD_BAD = 5,
};

/* Guest-physical, end exclusive. In any order; where two overlap, memory is RAM if both say so. */
struct load_range {
    uint64_t start, end;
    uint32_t type;
};

struct load_request {
    const void *image; /* of any alignment */
    uint64_t image_size;
    const void *initrd; /* NULL, with size 0: none */
    uint64_t initrd_size;
    const char *cmdline; /* NUL-terminated; NULL: none */
    bool start_given;    /* else the image says how it starts */
    enum load_start start;
    /*
     * Of a flat image: where it lies and is entered, at its first byte. 0: 0x7c00 in real mode,
     * else 1 MiB. In real mode it is entered at 0:address below 64 KiB, else at a CS as high as
     * can be.
     */
    uint64_t flat_address;
    /* The memory that the guest sees, and is told of just so; what is the core's is reserved. */
    const struct load_range *map;
    unsigned map_count;
    uint64_t acpi_rsdp; /* guest-physical address of the RSDP for Linux; 0: unknown */
    const void *rsdp;   /* a copy of it for multiboot 2, 20 to LOAD_RSDP_MAX bytes; NULL: none */
    uint64_t rsdp_size;
};

/* Disjoint from all others, in RAM throughout. */
struct load_piece {
    uint64_t to;        /* guest-physical */
    uint64_t size;      /* bytes to write: from_size of from, and zeros behind it */
    const void *from;   /* in the image, the initial RAM disk, the command line or the scratch */
    uint64_t from_size; /* at most size */
    uint64_t room;      /* at least size: what the guest takes as its own from the start */
};

struct load_result {
    enum load_kind kind;
    struct load_piece pieces[LOAD_PIECES_MAX];
    unsigned piece_count;
    /*
     * The start: CPL 0, interrupts off, A20 on, the general registers that are not here 0. In
     * protected and long mode the segments are flat, CS is LOAD_CS and the others LOAD_DS, in a GDT
     * at gdt; paging is off in protected mode, and in long mode cr3 maps the first 4 GiB to
     * themselves. In real mode CS is cs, the other segments are 0, and so are gdt and cr3.
     */
    enum load_start start;
    uint16_t cs;
    uint64_t rip;
    uint64_t
        rsp; /* top of a page of stack for a flat image; else 0, as the kernel brings its own */
    uint64_t rax, rbx, rsi;
    uint64_t cr3;
    uint64_t gdt; /* guest-physical */
    uint32_t gdt_limit;
    char text[LOAD_TEXT]; /* why not, if not */
};

/* Selectors: Linux's __BOOT_CS and __BOOT_DS. */
#define LOAD_CS 0x10u
#define LOAD_DS 0x18u

/*
 * Plans the load. NULL on success; else result->text, one sentence that names what is wrong and
 * its value. The scratch is 8-byte aligned, LOAD_SCRATCH bytes or more, and stays, as the files do,
 * until the pieces are copied; where guest-physical addresses are the caller's own, scratch, files
 * and command line must not lie in what the map calls RAM, or a copy could overwrite the next one's
 * source.
 */
const char *load_guest(const struct load_request *request, struct load_result *result,
                       void *scratch, uint64_t scratch_size);

/* "Linux bzImage" and the like, for messages. */
const char *load_kind_name(enum load_kind kind);

#endif
