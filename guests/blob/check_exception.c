/* SPDX-License-Identifier: MIT */
/*
 * Exceptions of every kind, with the frame that the CPU makes: error code, RIP, RFLAGS, CR2, DR6.
 * Intercepted and reflected under one policy, delivered by the CPU under the other.
 */
#include "capture.h"
#include "check.h"

#define VECTOR_DE 0u
#define VECTOR_BP 3u
#define VECTOR_DF 8u
#define VECTOR_NP 11u
#define VECTOR_SS 12u

#define RFLAGS_TF                   (1ull << 8)
#define UNMAPPED                    0x40000000ull
#define NOT_CANONICAL               0x8000000000000000ull
#define ABSENT                      0x18u /* selectors of the GDT below */
#define BEYOND                      0x5678u
#define DR7_FIXED                   0x400ull
#define DR7_EXECUTE_0               0x2ull
#define DR7_WRITE_1                 (0x8ull | 0xd00000ull) /* 4 bytes */
#define IN_IDT                      2u
#define EXTERNAL                    1u
#define IDT_ERROR(vector, external) ((vector) << 3 | IN_IDT | (external))

static uint64_t behind, al;

/* That exception and no other, at the instruction or behind it. */
#define EXPECT_CAPTURE(expected, code, from, captures)                   \
    do {                                                                 \
        EXPECT((captures) == 1);                                         \
        EXPECT(capture.vector == (expected) && capture.error == (code)); \
        EXPECT(capture.rip == (from));                                   \
    } while (0)

static void faults_without_an_error_code(void)
{
    EXPECT_CAPTURE(VECTOR_UD, 0, capture_at, CAPTURE("ud2", (), (), behind));
    uint64_t low = 1, high = 0;
    EXPECT_CAPTURE(VECTOR_DE, 0, capture_at,
                   CAPTURE("div %[zero]", (, "+a"(low), "+d"(high)), ([zero] "r"(0ull)), behind));
}

static void faults_with_an_error_code(void)
{
    static uint64_t gdt[4] = {0, 0x00af9b000000ffff, 0x00cf93000000ffff, 0x00cf13000000ffff};
    struct __attribute__((packed)) {
        uint16_t limit;
        const uint64_t *base;
    } mine = {sizeof(gdt) - 1, gdt}, blobs_own;

    __asm__ volatile("sgdt %0; lgdt %1" : "=m"(blobs_own) : "m"(mine));
    EXPECT_CAPTURE(VECTOR_GP, BEYOND & ~3u, capture_at,
                   CAPTURE("mov %w[to], %%ds", (), ([to] "r"(BEYOND)), behind));
    EXPECT_CAPTURE(VECTOR_NP, ABSENT, capture_at,
                   CAPTURE("mov %w[to], %%ds", (), ([to] "r"(ABSENT)), behind));
    EXPECT_CAPTURE(VECTOR_SS, ABSENT, capture_at,
                   CAPTURE("mov %w[to], %%ss", (), ([to] "r"(ABSENT)), behind));
    __asm__ volatile("lgdt %0" : : "m"(blobs_own));

    EXPECT_CAPTURE(VECTOR_GP, 0, capture_at,
                   CAPTURE("movb (%[at]), %%al", (, "=a"(al)), ([at] "r"(NOT_CANONICAL)), behind));
}

static void page_faults(void)
{
    EXPECT_CAPTURE(VECTOR_PF, 0, capture_at,
                   CAPTURE("movb (%[at]), %%al", (, "=a"(al)), ([at] "r"(UNMAPPED + 5)), behind));
    EXPECT(read_cr2() == UNMAPPED + 5);
    EXPECT_CAPTURE(VECTOR_PF, 2, capture_at,
                   CAPTURE("movb $1, (%[at])", (), ([at] "r"(UNMAPPED + 9)), behind));
    EXPECT(read_cr2() == UNMAPPED + 9);
}

/* These push the address behind, and INTn with a vector of an exception pushes no error code. */
static void what_software_asks_for(void)
{
    EXPECT_CAPTURE(VECTOR_BP, 0, behind, CAPTURE("int3", (), (), behind));
    EXPECT_CAPTURE(VECTOR_DB, 0, behind, CAPTURE(".byte 0xf1", (), (), behind));
    EXPECT_CAPTURE(VECTOR_BP, 0, behind, CAPTURE(".byte 0xcd, 3", (), (), behind));
    EXPECT_CAPTURE(0x40, 0, behind, CAPTURE("int $0x40", (), (), behind));
}

static void debug_exceptions(void)
{
    extern const char breakpoint[]; /* the instruction below */
    static uint32_t watched;

    EXPECT(write_dr6(0xffff0ff0));
    /* POPF sets TF, NOP is traced. */
    EXPECT(CAPTURE("pushf; orq $0x100, (%%rsp); popf; nop", (), (), behind) == 1);
    EXPECT(capture.vector == VECTOR_DB && capture.rflags & RFLAGS_TF);
    EXPECT(capture.rip == behind);
    EXPECT(read_dr6() == 0xffff4ff0);

    EXPECT(write_dr6(0xffff0ff0));
    EXPECT(write_dr0((uint64_t)breakpoint) && write_dr7(DR7_FIXED | DR7_EXECUTE_0));
    EXPECT(CAPTURE("breakpoint: nop", (), (), behind) == 1);
    EXPECT(write_dr7(DR7_FIXED));
    EXPECT(capture.vector == VECTOR_DB && capture.rip == (uint64_t)breakpoint);
    EXPECT(read_dr6() == 0xffff0ff1);

    /* What is left of an old breakpoint goes, and the single step of before would stay. */
    EXPECT(write_dr6(0xffff4ff1));
    EXPECT(write_dr1((uint64_t)&watched) && write_dr7(DR7_FIXED | DR7_WRITE_1));
    EXPECT_CAPTURE(VECTOR_DB, 0, behind,
                   CAPTURE("movl $1, %[to]", (, [to] "=m"(watched)), (), behind));
    EXPECT(write_dr7(DR7_FIXED));
    EXPECT((read_dr6() & 0x400f) == 0x4002);
    EXPECT(write_dr6(0xffff0ff0) && write_dr0(0) && write_dr1(0));
}

/* Delivery that meets a gate which is not present: SDM Vol. 3A table 7-5. */
static void nested(void)
{
    capture_gate(VECTOR_UD, GATE_ABSENT); /* benign, contributory: the second goes first */
    EXPECT_CAPTURE(VECTOR_NP, IDT_ERROR(VECTOR_UD, EXTERNAL), capture_at,
                   CAPTURE("ud2", (), (), behind));
    capture_gate(VECTOR_BP, GATE_ABSENT);
    EXPECT_CAPTURE(VECTOR_NP, IDT_ERROR(VECTOR_BP, 0), capture_at, CAPTURE("int3", (), (), behind));
    capture_gate(VECTOR_GP, GATE_ABSENT); /* contributory twice */
    EXPECT(CAPTURE("movb (%[at]), %%al", (, "=a"(al)), ([at] "r"(NOT_CANONICAL)), behind) == 1);
    EXPECT(capture.vector == VECTOR_DF && capture.error == 0);
    capture_gate(VECTOR_PF, GATE_ABSENT); /* page fault, contributory */
    EXPECT(CAPTURE("movb (%[at]), %%al", (, "=a"(al)), ([at] "r"(UNMAPPED)), behind) == 1);
    EXPECT(capture.vector == VECTOR_DF && capture.error == 0 && read_cr2() == UNMAPPED);
}

static void check_exceptions(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    capture_start();
    faults_without_an_error_code();
    faults_with_an_error_code();
    page_faults();
    what_software_asks_for();
    debug_exceptions();
    nested();
    capture_end();
}

ROWS = {
    {
        .name = "check/exceptions",
        CHECK(check_exceptions),
        .description = "exceptions of every kind: frame, error code, CR2, DR6, and two at a time",
        .instruction = "UD2, INT3, ...",
    },
};
