/* SPDX-License-Identifier: MIT */
/*
 * INS and OUTS against devices that remember: the VGA's palette, which hands on
 * one byte after the other, and the ATA device's identity, words and double
 * words likewise. What came and went, and the registers left behind, must be
 * those of a loop of IN and OUT, forwarded or not.
 */
#include "check.h"

#define IA32_FS_BASE 0xc0000100

#define PALETTE_READ_INDEX  0x3c7
#define PALETTE_WRITE_INDEX 0x3c8
#define PALETTE_DATA        0x3c9
#define PALETTE_BYTES       768u
#define PALETTE_MASK        0x3f

#define ATA_DATA            0x1f0
#define ATA_DRIVE           0x1f6
#define ATA_COMMAND         0x1f7 /* read: status */
#define ATA_CONTROL         0x3f6
#define ATA_NO_INTERRUPT    2
#define ATA_IDENTIFY_PACKET 0xa1
#define ATA_READY_WITH_DATA 0x08
#define ATA_BUSY            0x80
#define ATA_WORDS           256u

#define PIC_MASK      0x21
#define PCI_ADDRESS   0xcf8
#define DELAY         0x80
#define MANY          3000u /* more than one exit moves */
#define MAPPED_END    GUEST_MEMORY_SIZE
#define GIB           0x40000000ull
#define LARGE_PAGE    0x200000ull
#define PAGE_USED     0x60ull /* accessed and dirty */
#define VECTOR_PF     14u
#define UPPER         0xfedcba9800000000ull
#define NOT_CANONICAL 0x800000000000ull

/* RCX, RSI and RDI, before and after. */
struct string_registers {
    uint64_t count, from, to;
};

#define STRING(text, port, registers)                                                        \
    __asm__ volatile(text                                                                    \
                     : "+c"((registers).count), "+S"((registers).from), "+D"((registers).to) \
                     : "d"(port)                                                             \
                     : "memory", "cc")

/* Likewise, and the vector of the exception that it raised, or 0. */
#define TRY_STRING(text, port, registers)                                        \
    ({                                                                           \
        exception_vector = 0;                                                    \
        STRING("movq $1f, exception_resume\n\t" text "\n\t1:", port, registers); \
        exception_resume = 0;                                                    \
        exception_vector;                                                        \
    })

static void out8(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %w1" : : "a"(value), "d"(port));
}

static uint8_t in8(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %w1, %0" : "=a"(value) : "d"(port));
    return value;
}

static uint8_t saved[PALETTE_BYTES], sent[MANY], seen[MANY];

static void fill(uint8_t *bytes, uint32_t count, uint8_t mask)
{
    uint32_t state = count;
    for (uint32_t i = 0; i < count; i++) {
        state = state * 1103515245 + 12345;
        bytes[i] = (uint8_t)(state >> 16) & mask;
    }
}

static bool same(const uint8_t *a, const uint8_t *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

static void palette_read(uint8_t *bytes)
{
    struct string_registers r = {PALETTE_BYTES, 7, (uint64_t)bytes};
    out8(PALETTE_READ_INDEX, 0);
    STRING("cld; rep insb", PALETTE_DATA, r);
    EXPECT(r.count == 0 && r.from == 7 && r.to == (uint64_t)bytes + PALETTE_BYTES);
}

static void palette_write(const uint8_t *bytes)
{
    struct string_registers r = {PALETTE_BYTES, (uint64_t)bytes, 7};
    out8(PALETTE_WRITE_INDEX, 0);
    STRING("cld; rep outsb", PALETTE_DATA, r);
    EXPECT(r.count == 0 && r.from == (uint64_t)bytes + PALETTE_BYTES && r.to == 7);
}

static void streams_of_bytes(void)
{
    palette_read(saved);
    fill(sent, PALETTE_BYTES, PALETTE_MASK);
    palette_write(sent);
    palette_read(seen);
    EXPECT(same(sent, seen, PALETTE_BYTES));
    out8(PALETTE_READ_INDEX, 0);
    for (uint32_t i = 0; i < PALETTE_BYTES; i++)
        EXPECT(in8(PALETTE_DATA) == sent[i]);

    /* Backwards: the last byte goes first. */
    struct string_registers r = {PALETTE_BYTES, (uint64_t)sent + PALETTE_BYTES - 1, 0};
    out8(PALETTE_WRITE_INDEX, 0);
    STRING("std; rep outsb; cld", PALETTE_DATA, r);
    EXPECT(r.from == (uint64_t)sent - 1);
    out8(PALETTE_READ_INDEX, 0);
    for (uint32_t i = 0; i < PALETTE_BYTES; i++)
        EXPECT(in8(PALETTE_DATA) == sent[PALETTE_BYTES - 1 - i]);

    /* By 32-bit addresses: upper halves are ignored, and clear afterwards. */
    r = (struct string_registers){PALETTE_BYTES | UPPER, 7, (uint64_t)seen | UPPER};
    palette_write(sent);
    out8(PALETTE_READ_INDEX, 0);
    fill(seen, PALETTE_BYTES, 0xff);
    STRING(".byte 0x67; rep insb", PALETTE_DATA, r);
    EXPECT(r.count == 0 && r.to == (uint64_t)seen + PALETTE_BYTES);
    EXPECT(same(sent, seen, PALETTE_BYTES));

    /* Through FS: only its base and RSI together are the address. */
    EXPECT(try_wrmsr(IA32_FS_BASE, (uint64_t)saved - 0x1000));
    r = (struct string_registers){PALETTE_BYTES, 0x1000, 0};
    out8(PALETTE_WRITE_INDEX, 0);
    STRING(".byte 0x64; rep outsb", PALETTE_DATA, r);
    EXPECT(r.count == 0 && r.from == 0x1000 + PALETTE_BYTES);
    palette_read(seen);
    EXPECT(same(saved, seen, PALETTE_BYTES));
}

/* Asks the ATA device who it is; false if there is none. */
static bool identify(void)
{
    out8(ATA_CONTROL, ATA_NO_INTERRUPT);
    out8(ATA_DRIVE, 0xa0);
    out8(ATA_COMMAND, ATA_IDENTIFY_PACKET);
    for (uint32_t i = 0; i < 100000; i++) {
        uint8_t status = in8(ATA_COMMAND);
        if (status == 0xff || !status)
            return false;
        if (!(status & ATA_BUSY))
            return status & ATA_READY_WITH_DATA;
    }
    return false;
}

static void streams_of_words(void)
{
    static uint16_t words[ATA_WORDS];

    if (!identify())
        return;
    for (uint32_t i = 0; i < ATA_WORDS; i++)
        __asm__ volatile("inw %w1, %0" : "=a"(words[i]) : "d"(ATA_DATA));
    struct string_registers r = {ATA_WORDS, 7, (uint64_t)seen + 1};
    EXPECT(identify());
    STRING("cld; rep insw", ATA_DATA, r);
    EXPECT(r.count == 0 && r.to == (uint64_t)seen + 1 + 2 * ATA_WORDS);
    EXPECT(same((uint8_t *)words, seen + 1, 2 * ATA_WORDS));

    r = (struct string_registers){ATA_WORDS / 2, 7, (uint64_t)seen + 3};
    EXPECT(identify());
    STRING("rep insl", ATA_DATA, r);
    EXPECT(r.count == 0 && r.to == (uint64_t)seen + 3 + 2 * ATA_WORDS);
    EXPECT(same((uint8_t *)words, seen + 3, 2 * ATA_WORDS));
}

/* Without REP, RCX is nobody's business; with REP and 0 in it nothing happens.
 */
static void single_ones(void)
{
    uint32_t bridge = 0x80000000, read = 0;
    uint8_t masks[2] = {0xfb, 0xff};
    struct string_registers r = {0, (uint64_t)&bridge, (uint64_t)&read};

    STRING("cld; outsl", PCI_ADDRESS, r);
    STRING("insl", PCI_ADDRESS, r);
    EXPECT(read == bridge && r.count == 0);
    EXPECT(r.from == (uint64_t)(&bridge + 1) && r.to == (uint64_t)(&read + 1));
    r.from = (uint64_t)&masks[0];
    STRING("outsb", PIC_MASK, r);
    EXPECT(in8(PIC_MASK) == masks[0]);
    STRING("outsb", PIC_MASK, r);
    EXPECT(in8(PIC_MASK) == masks[1] && r.from == (uint64_t)(masks + 2));
    r = (struct string_registers){0, 1, 2};
    STRING("rep outsl", PCI_ADDRESS, r);
    STRING("rep insl", PCI_ADDRESS, r);
    EXPECT(r.count == 0 && r.from == 1 && r.to == 2);
}

static void long_ones(void)
{
    struct string_registers r = {MANY, (uint64_t)sent, (uint64_t)seen};
    STRING("cld; rep outsb", DELAY, r);
    EXPECT(r.count == 0 && r.from == (uint64_t)sent + MANY);
    r.count = MANY;
    STRING("rep insb", PIC_MASK, r);
    EXPECT(r.count == 0 && r.to == (uint64_t)seen + MANY);
    for (uint32_t i = 0; i < MANY; i++)
        EXPECT(seen[i] == 0xff);
}

static uint64_t fault_address(void)
{
    uint64_t value;
    __asm__ volatile("mov %%cr2, %0" : "=r"(value));
    return value;
}

/* What was moved before a fault stays moved, and the registers say where it
 * stands. */
static void faults(void)
{
    uint32_t *last = (uint32_t *)(MAPPED_END - 6); /* the second lies half outside */
    struct string_registers r = {4, 0, (uint64_t)last};

    *last = 0;
    EXPECT(TRY_STRING("cld; rep insl", PCI_ADDRESS, r) == VECTOR_PF);
    EXPECT(fault_address() == MAPPED_END && r.count == 3 && r.to == (uint64_t)(last + 1));
    EXPECT(*last == 0x80000000);
    r = (struct string_registers){1, GIB, 0};
    EXPECT(TRY_STRING("outsb", DELAY, r) == VECTOR_PF);
    EXPECT(fault_address() == GIB && r.from == GIB && r.count == 1);
    r = (struct string_registers){1, NOT_CANONICAL, 0};
    EXPECT(TRY_STRING("outsb", DELAY, r) == VECTOR_GP && r.from == NOT_CANONICAL);
}

/* The page's flags are set as by any other write. */
static void flags_of_pages(void)
{
    volatile uint64_t *entry =
        (volatile uint64_t *)(GUEST_PAGE_TABLES + 8192) + GUEST_SAMPLES_BASE / LARGE_PAGE;
    struct string_registers r = {1, 0, GUEST_SAMPLES_BASE};

    *entry &= ~PAGE_USED;
    __asm__ volatile("invlpg (%0)" : : "r"(GUEST_SAMPLES_BASE) : "memory");
    STRING("insb", PIC_MASK, r);
    EXPECT((*entry & PAGE_USED) == PAGE_USED);
}

static void check_string_io(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    streams_of_bytes();
    streams_of_words();
    single_ones();
    long_ones();
    faults();
    flags_of_pages();
}

ROWS = {
    {
        .name = "check/string_io",
        .description = "INS and OUTS move, count, stop and fault as a loop of IN and OUT",
        .instruction = "INS, OUTS",
        CHECK(check_string_io),
        .requires = ROW_REQUIRES_REAL_PORTS | ROW_REQUIRES_REAL_MSRS,
    },
};
