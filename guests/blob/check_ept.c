/* SPDX-License-Identifier: MIT */
/*
 * Memory on demand: it arrives zeroed wherever and however it is touched first, stays, and what
 * touched it goes on as if nothing had been. And the flags that EPT keeps.
 */
#include "check.h"

#define PIC_MASK 0x21

static volatile uint64_t *page(uint64_t number)
{
    return (volatile uint64_t *)(GUEST_DEMAND_BASE + number * 4096);
}

static uint64_t sum(volatile uint64_t *at)
{
    uint64_t all = 0;
    for (int i = 0; i < 512; i++)
        all |= at[i];
    return all;
}

static void zeroed(void)
{
    EXPECT(!page(0)[511] && !sum(page(0)));
    page(1)[0] = 0x1111;
    EXPECT(page(1)[0] == 0x1111 && (page(1)[0] = 0, !sum(page(1))));
    __asm__ volatile("lock addq $5, (%0)" : : "r"(page(2)) : "memory", "cc");
    EXPECT(page(2)[0] == 5);
    /* across two pages; then the pages keep what they are given */
    *(volatile uint64_t *)((uint64_t)page(4) - 3) = 0x8877665544332211;
    EXPECT(page(3)[511] == 0x3322110000000000 && page(4)[0] == 0x8877665544);
    for (uint64_t i = 0; i < 64; i++)
        page(i)[7] = i;
    for (uint64_t i = 0; i < 64; i++)
        EXPECT(page(i)[7] == i);
    EXPECT(!page(GUEST_DEMAND_PAGES - 1)[511]);
}

static void by_strings(void)
{
    uint64_t to = (uint64_t)page(70) + 8, from = (uint64_t)page(100), left = 5 * 512;
    __asm__ volatile("cld; rep stosq" : "+D"(to), "+c"(left) : "a"(0x0707) : "memory");
    EXPECT(!left && page(70)[0] == 0 && page(75)[0] == 0x0707 && page(75)[1] == 0);
    to = (uint64_t)page(90) - 4;
    left = 1024;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(left) : : "memory");
    EXPECT(!left && !sum(page(89)) && !sum(page(90)));
    /* the core's own accesses on the guest's behalf */
    to = (uint64_t)page(110);
    __asm__ volatile("outb %b0, %w1" : : "a"(0xff), "d"(PIC_MASK));
    left = 3;
    __asm__ volatile("rep insb" : "+D"(to), "+c"(left) : "d"(PIC_MASK) : "memory");
    EXPECT(page(110)[0] == 0xffffff);
}

/* A fresh page executed is ADD [RAX], AL: with RAX where nothing is, that faults. */
static void by_fetching(void)
{
    const uint64_t nowhere = 1ull << 30;

    EXPECT_EXCEPTION(VECTOR_PF, TRY("jmp *%[to]", (), ([to] "r"(page(120)), "a"(nowhere))));
    EXPECT(read_cr2() == nowhere && !sum(page(120)));
    /* ADD RAX, 0 with its immediate in the next page */
    volatile uint8_t *end = (volatile uint8_t *)page(122) - 2;
    end[0] = 0x48;
    end[1] = 0x05;
    EXPECT_EXCEPTION(VECTOR_PF, TRY("jmp *%[to]", (), ([to] "r"(end), "a"(nowhere))));
    EXPECT(read_cr2() == nowhere && !sum(page(122)));
}

/* Page tables in fresh pages: nothing is present in them, then what is put there. */
static void by_page_tables(void)
{
    volatile uint64_t *directory = (volatile uint64_t *)(GUEST_PAGE_TABLES + 8192);
    volatile uint64_t *mapped = (volatile uint64_t *)0x3f000000;

    uint64_t value = 0;

    directory[0x3f000000 >> 21] = (uint64_t)page(130) | 3;
    EXPECT_EXCEPTION(VECTOR_PF, TRY("movq (%[at]), %[to]", ([to] "+r"(value)), ([at] "r"(mapped))));
    EXPECT(!sum(page(130)));
    page(130)[0] = (uint64_t)page(131) | 3;
    EXPECT(*mapped == 0);
    *mapped = 0x55;
    EXPECT(page(131)[0] == 0x55 && (page(130)[0] & 0x60) == 0x60);
    directory[0x3f000000 >> 21] = 0;
    __asm__ volatile("invlpg (%0)" : : "r"(mapped) : "memory");
}

/* An exception whose frame goes to a fresh stack: its delivery is interrupted, and done again. */
static void by_delivering_events(void)
{
    uint64_t top = (uint64_t)page(141), saved;

    exception_vector = 0;
    __asm__ volatile("mov %%rsp, %[saved]\n\tmovq $1f, exception_resume\n\tmov %[top], %%rsp\n\t"
                     "ud2\n\t1:mov %[saved], %%rsp"
                     : [saved] "=&r"(saved)
                     : [top] "r"(top)
                     : "memory", "cc");
    exception_resume = 0;
    EXPECT(exception_vector == VECTOR_UD);
    EXPECT(page(140)[511] == 0x10 && page(140)[510] == top && page(140)[508] == 8);
    exception_vector = 0;
    top = (uint64_t)page(151);
    __asm__ volatile("mov %%rsp, %[saved]\n\tmovq $1f, exception_resume\n\tmov %[top], %%rsp\n\t"
                     "int3\n\t1:mov %[saved], %%rsp"
                     : [saved] "=&r"(saved)
                     : [top] "r"(top)
                     : "memory", "cc");
    exception_resume = 0;
    EXPECT(exception_vector == 3 && page(150)[510] == top);
}

static uint64_t flags_of(uint64_t number)
{
    *(volatile uint64_t *)DEVICE_PAGE = (uint64_t)page(number);
    return *(volatile uint64_t *)DEVICE_FLAGS;
}

static void flags(void)
{
    if (flags_of(200) & DEVICE_FLAG_NONE)
        return;
    EXPECT(flags_of(200) == 0);
    EXPECT(page(200)[0] == 0);
    EXPECT(flags_of(200) == DEVICE_FLAG_ACCESSED);
    EXPECT(flags_of(200) == 0);
    page(200)[0] = 1;
    EXPECT(flags_of(200) == (DEVICE_FLAG_ACCESSED | DEVICE_FLAG_DIRTY));
    page(200)[0] = 2; /* after it was taken it is noted again */
    EXPECT(flags_of(200) == (DEVICE_FLAG_ACCESSED | DEVICE_FLAG_DIRTY));
    EXPECT(page(200)[0] == 2 && flags_of(200) == DEVICE_FLAG_ACCESSED);
    /* by the core on the guest's behalf */
    uint64_t to = (uint64_t)page(200);
    __asm__ volatile("insb" : "+D"(to) : "d"(PIC_MASK) : "memory");
    EXPECT(flags_of(200) == (DEVICE_FLAG_ACCESSED | DEVICE_FLAG_DIRTY));
    /* narrowed: reading goes on */
    *(volatile uint64_t *)DEVICE_ACCESS = 1;
    EXPECT((uint8_t)page(200)[0] == 0xff);
    *(volatile uint64_t *)DEVICE_ACCESS = 7;
    page(200)[0] = 3;
    EXPECT(page(200)[0] == 3);
}

static void check_ept(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    zeroed();
    by_strings();
    by_fetching();
    by_page_tables();
    by_delivering_events();
    flags();
}

ROWS = {
    {
        .name = "check/ept",
        .description =
            "memory on demand arrives zeroed and unnoticed; EPT's flags tell of accesses",
        .instruction = "MOV, STOS, INS, INT3, ...",
        CHECK(check_ept),
    },
};
