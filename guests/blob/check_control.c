/* SPDX-License-Identifier: MIT */
/*
 * Control and debug registers. With the VM-execution controls for them off the CPU carries most
 * accesses out, with them on the core does, and nothing in here can tell which.
 */
#include "check.h"

#define CR0_START (CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG)

/* What is written is what is read, whichever bits VMX needs otherwise. */
static void check_cr0(void)
{
    static const uint64_t good[] = {
        CR0_START & ~CR0_NE,
        CR0_START | CR0_CD,
        CR0_START | CR0_CD | CR0_NW,
        CR0_START | CR0_TS,
        CR0_START & ~CR0_WP,
        CR0_START | CR0_AM | CR0_MP,
        CR0_START,
        (CR0_START | CR0_EM) & ~CR0_NE,
    };
    static const uint64_t bad[] = {
        CR0_START & ~CR0_PG,
        CR0_START & ~CR0_PE,
        CR0_START | CR0_NW,
        CR0_START | 1ull << 32,
    };

    EXPECT(read_cr0() == CR0_START);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT(write_cr0(good[i]));
        EXPECT(read_cr0() == good[i]);
    }
    EXPECT(write_cr0(CR0_START & ~CR0_ET));
    EXPECT(read_cr0() == CR0_START);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        EXPECT_EXCEPTION(VECTOR_GP, write_cr0(bad[i]));
        EXPECT(read_cr0() == CR0_START);
    }
    __asm__ volatile("lmsw %w0" : : "r"(CR0_TS | CR0_MP));
    EXPECT(read_cr0() == (CR0_START | CR0_TS | CR0_MP));
    __asm__ volatile("clts");
    EXPECT(read_cr0() == (CR0_START | CR0_MP));
    EXPECT(write_cr0(CR0_START));
}

static void check_cr4(void)
{
    static const uint64_t good[] = {CR4_DE, CR4_PGE, CR4_PSE, 1u << 9 | 1u << 10, 0};
    uint64_t start = read_cr4(), cr3 = read_cr3();

    EXPECT(start == CR4_PAE);
    for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        EXPECT(write_cr4(start | good[i]));
        EXPECT(read_cr4() == (start | good[i]));
    }
    static const uint64_t bad[] = {CR4_VMXE, CR4_SMXE, 1u << 15, 1u << 19, 1u << 31};
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        EXPECT_EXCEPTION(VECTOR_GP, write_cr4(start | bad[i]));
    EXPECT_EXCEPTION(VECTOR_GP, write_cr4(start & ~CR4_PAE));
    if (cpu_has(CPUID_1_ECX_PCID)) {
        EXPECT(write_cr3(cr3 | 0x18)); /* PWT and PCD, or PCID 0x18 */
        EXPECT_EXCEPTION(VECTOR_GP, write_cr4(start | CR4_PCIDE));
        EXPECT(write_cr3(cr3));
        EXPECT(write_cr4(start | CR4_PCIDE));
        EXPECT(write_cr3(cr3 | 0x123));
        EXPECT(read_cr3() == (cr3 | 0x123));
        EXPECT(write_cr3(cr3));
        EXPECT(write_cr4(start));
    } else {
        EXPECT_EXCEPTION(VECTOR_GP, write_cr4(start | CR4_PCIDE));
    }
    EXPECT(read_cr4() == start);
}

/* 2 MiB pages at 30 and 28 MiB; what lies below them is not used otherwise. */
#define LARGE      0x200000ull
#define WINDOW     (15 * LARGE)
#define DIRECTORY  ((volatile uint64_t *)(GUEST_PAGE_TABLES + 8192))
#define PAGE_FLAGS 0x83ull
#define GLOBAL     0x100ull

static volatile uint64_t *const window = (volatile uint64_t *)WINDOW;

static void map_window(uint64_t physical, uint64_t flags)
{
    DIRECTORY[WINDOW / LARGE] = physical | PAGE_FLAGS | flags;
}

static void invlpg(volatile uint64_t *address)
{
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
}

static void prepare_window(void)
{
    volatile uint64_t *below = (volatile uint64_t *)(WINDOW - LARGE);

    map_window(WINDOW, 0);
    invlpg(window);
    *window = 30;
    *below = 28;
}

/* A new translation is seen once CR3 has been written; a global one is not given up by that. */
static void check_cr3(void)
{
    uint64_t cr3 = read_cr3();

    EXPECT(cr3 == GUEST_PAGE_TABLES);
    for (int bit = 52; bit < 64; bit++)
        EXPECT_EXCEPTION(VECTOR_GP, write_cr3(cr3 | 1ull << bit));
    EXPECT(read_cr3() == cr3);
    EXPECT(write_cr3(cr3 | 0x18));
    EXPECT(read_cr3() == (cr3 | 0x18));

    prepare_window();
    EXPECT(*window == 30);
    map_window(WINDOW - LARGE, 0);
    EXPECT(write_cr3(cr3));
    EXPECT(*window == 28);

    EXPECT(write_cr4(CR4_PAE | CR4_PGE));
    map_window(WINDOW, GLOBAL);
    invlpg(window);
    EXPECT(*window == 30);
    map_window(WINDOW - LARGE, 0);
    EXPECT(write_cr4(CR4_PAE)); /* PGE cleared: global ones go too */
    EXPECT(*window == 28);
    map_window(WINDOW, 0);
    EXPECT(write_cr3(cr3));
    EXPECT(*window == 30);
}

static void check_cr(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    check_cr0();
    check_cr4();
    check_cr3();
    EXPECT(write_cr2(0x123456789abcdef0));
    EXPECT(read_cr2() == 0x123456789abcdef0);
    for (uint64_t priority = 0; priority < 16; priority++) {
        EXPECT(write_cr8(priority));
        EXPECT(read_cr8() == priority);
    }
    EXPECT_EXCEPTION(VECTOR_GP, write_cr8(16));
    EXPECT(read_cr8() == 15);
    EXPECT(write_cr8(0));
}

/* A write to the watched variable traps, and nothing else does. */
static void check_breakpoint(void)
{
    static volatile uint64_t watched, beside;

    EXPECT(write_dr0((uint64_t)&watched));
    EXPECT(write_dr6(0));
    EXPECT(write_dr7(0x90002)); /* G0, writes, 8 bytes */
    EXPECT(TRY("movq $1, %[at]", ([at] "=m"(beside)), ()));
    EXPECT_EXCEPTION(VECTOR_DB, TRY("movq $1, %[at]\n\tnop", ([at] "=m"(watched)), ()));
    EXPECT((read_dr6() & 0xf) == 1 && watched == 1);
    EXPECT(write_dr7(0x400));
    EXPECT(TRY("movq $2, %[at]\n\tnop", ([at] "=m"(watched)), ()));
    EXPECT(write_dr0(0));
    EXPECT(write_dr6(0));
}

static void check_dr(struct sample *samples, uint64_t count)
{
    uint64_t value = 0;

    (void)samples;
    (void)count;
    EXPECT(read_dr7() == 0x400);
    EXPECT(write_dr0(0x1111) && write_dr1(0x8000000000002222) && write_dr2(~0x33ull));
    EXPECT(write_dr3(0x4444));
    EXPECT(read_dr0() == 0x1111 && read_dr1() == 0x8000000000002222 && read_dr2() == ~0x33ull);
    EXPECT(read_dr3() == 0x4444);
    EXPECT(write_dr0(0) && write_dr1(0) && write_dr2(0) && write_dr3(0));

    EXPECT(write_dr6(0x400f) && (read_dr6() & 0xe00f) == 0x400f);
    EXPECT(write_dr6(0) && read_dr6() == 0xffff0ff0);
    EXPECT(write_dr7(0xd000) && read_dr7() == 0x400);
    EXPECT_EXCEPTION(VECTOR_GP, write_dr6(1ull << 32));
    EXPECT_EXCEPTION(VECTOR_GP, write_dr7(1ull << 63));
    EXPECT(read_dr7() == 0x400);

    /* DR4 and DR5 are DR6 and DR7, unless CR4.DE makes them undefined. */
    EXPECT(TRY("mov %[from], %%db5", (), ([from] "r"(0x500ull))));
    EXPECT(TRY("mov %%db7, %[to]", ([to] "=r"(value)), ()) && value == 0x500);
    EXPECT(write_dr7(0x400));
    EXPECT(TRY("mov %%db4, %[to]", ([to] "=r"(value)), ()) && value == 0xffff0ff0);
    EXPECT(write_cr4(CR4_PAE | CR4_DE));
    EXPECT_EXCEPTION(VECTOR_UD, TRY("mov %%db4, %[to]", ([to] "=r"(value)), ()));
    EXPECT_EXCEPTION(VECTOR_UD, TRY("mov %[from], %%db5", (), ([from] "r"(0ull))));
    EXPECT(write_cr4(CR4_PAE));

    /* General detect: the access does not happen, and DR7.GD is clear after it. */
    EXPECT(write_dr7(0x400 | DR7_GD));
    EXPECT_EXCEPTION(VECTOR_DB, write_dr0(0x5555));
    EXPECT(read_dr7() == 0x400 && read_dr6() == (0xffff0ff0 | DR6_BD) && read_dr0() == 0);
    EXPECT(write_dr6(0));
    check_breakpoint();
}

ROWS = {
    {
        .name = "check/cr",
        CHECK(check_cr),
        .description = "control registers keep what was written, refuse what they must, and flush",
        .instruction = "MOV CR, CLTS, LMSW",
    },
    {
        .name = "check/dr",
        CHECK(check_dr),
        .description = "debug registers keep what was written, refuse what they must, and break",
        .instruction = "MOV DR",
    },
};
