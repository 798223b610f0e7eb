/* SPDX-License-Identifier: MIT */
/*
 * GDTR, IDTR, LDTR and TR: stored, loaded, put to use, and refused, in the order the SDM has it.
 * The core emulates the instructions where a control makes them exit.
 */
#include "capture.h"
#include "check.h"

#define VECTOR_NP     11u
#define UNMAPPED      0x40000000ull
#define NOT_CANONICAL 0x8000000000000000ull
#define GARBAGE       0xfedcba9876543210ull
#define IA32_FS_BASE  0xc0000100u

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

/* Selectors of the GDT below. */
enum {
    CODE = 0x08,
    LDT = 0x18,
    TASK = 0x28,
    ABSENT_LDT = 0x38,
    ABSENT_TASK = 0x48,
    UPPER_SET = 0x58, /* a type in the upper half, which must be 0 */
    CUT_OFF = 0x68,   /* only the lower half lies within the limit */
    OF_LDT = 4,       /* TI: entry 0 of the LDT; usable there, as it would not be in the GDT */
};

#define LOW(address, limit, type)                                              \
    ((uint64_t)(limit) | ((address)&0xffffff) << 16 | (uint64_t)(type) << 40 | \
     ((address) >> 24 & 0xff) << 56)
#define TYPE_LDT         0x82u /* present */
#define TYPE_TASK        0x89u
#define TYPE_LDT_ABSENT  0x02u
#define TYPE_TASK_ABSENT 0x09u

static uint64_t gdt[14], ldt[2] = {0x00cf93000000ffff, 0};
static uint8_t stack[512] __attribute__((aligned(16)));
static struct __attribute__((packed)) {
    uint32_t reserved0;
    uint64_t rsp[3], reserved1, ist[7];
    uint8_t rest[12];
} task_state;
static uint64_t behind;

#define EXPECT_FAULT(expected, code, captures)                           \
    do {                                                                 \
        EXPECT((captures) == 1);                                         \
        EXPECT(capture.vector == (expected) && capture.error == (code)); \
        EXPECT(capture.rip == capture_at);                               \
    } while (0)

#define WITH_MEMORY(instruction, pointer) \
    CAPTURE(instruction " (%[at])", (), ([at] "r"(pointer)), behind)
#define WITH_REGISTER(instruction, value) \
    CAPTURE(instruction " %w[from]", (), ([from] "r"(value)), behind)

static void make_tables(struct table_register *mine)
{
    gdt[1] = 0x00af9b000000ffff;
    gdt[2] = 0x00cf93000000ffff;
    gdt[LDT / 8] = LOW((uint64_t)ldt, sizeof(ldt) - 1, TYPE_LDT);
    gdt[TASK / 8] = LOW((uint64_t)&task_state, 103, TYPE_TASK);
    gdt[ABSENT_LDT / 8] = LOW((uint64_t)ldt, 15, TYPE_LDT_ABSENT);
    gdt[ABSENT_TASK / 8] = LOW((uint64_t)&task_state, 103, TYPE_TASK_ABSENT);
    gdt[UPPER_SET / 8] = gdt[LDT / 8];
    gdt[UPPER_SET / 8 + 1] = 1ull << 40;
    gdt[CUT_OFF / 8] = gdt[LDT / 8];
    task_state.ist[0] = (uint64_t)stack + sizeof(stack);
    *mine = (struct table_register){sizeof(gdt) - 1, (uint64_t)gdt};
}

/* Ten bytes and not one more, by addresses of every kind. */
static void stores(const struct table_register *gdtr, const struct table_register *idtr)
{
    static struct __attribute__((packed)) {
        uint64_t before;
        struct table_register value;
        uint64_t after;
    } room;

#define EXPECT_STORED(text, is, ...)                                              \
    do {                                                                          \
        room.before = room.after = GARBAGE;                                       \
        room.value = (struct table_register){0};                                  \
        __asm__ volatile(text : : __VA_ARGS__ : "memory");                        \
        EXPECT(room.value.limit == (is)->limit && room.value.base == (is)->base); \
        EXPECT(room.before == GARBAGE && room.after == GARBAGE);                  \
    } while (0)
    EXPECT_STORED("sgdt (%0)", gdtr, "r"(&room.value));
    EXPECT_STORED("sidt (%0)", idtr, "r"(&room.value));
    EXPECT_STORED("sgdt -0x100(%0, %1, 8)", gdtr, "r"((uint64_t)&room.value - 0x700),
                  "r"(0x100ull));
    EXPECT_STORED("addr32 sidt (%k0)", idtr, "r"((uint64_t)&room.value | 5ull << 32));
    EXPECT(try_wrmsr(IA32_FS_BASE, (uint64_t)&room));
    EXPECT_STORED("sgdt %%fs:8", gdtr, "i"(0));
    EXPECT(try_wrmsr(IA32_FS_BASE, 0));
    EXPECT_STORED("push %%r12; mov %0, %%r12; sidt (%%r12); pop %%r12", idtr, "r"(&room.value));
    EXPECT_STORED("push %%rbp; mov %0, %%rbp; sgdt (%%rbp); pop %%rbp", gdtr, "r"(&room.value));
    EXPECT_FAULT(VECTOR_PF, 2, WITH_MEMORY("sgdt", UNMAPPED));
    EXPECT(read_cr2() == UNMAPPED);
    EXPECT_FAULT(VECTOR_GP, 0, WITH_MEMORY("sidt", NOT_CANONICAL));
}

static void loads(const struct table_register *gdtr, const struct table_register *idtr)
{
    struct table_register bad = {0x7f, NOT_CANONICAL}, now;

    EXPECT_FAULT(VECTOR_GP, 0, WITH_MEMORY("lgdt", &bad));
    EXPECT_FAULT(VECTOR_GP, 0, WITH_MEMORY("lidt", &bad));
    EXPECT_FAULT(VECTOR_PF, 0, WITH_MEMORY("lgdt", UNMAPPED));
    EXPECT_FAULT(VECTOR_GP, 0, WITH_MEMORY("lidt", NOT_CANONICAL));
    __asm__ volatile("sgdt %0" : "=m"(now));
    EXPECT(now.limit == gdtr->limit && now.base == gdtr->base);
    bad = (struct table_register){0x1234, 0xffff800012345678};
    __asm__ volatile("lidt %1; sidt %0; lidt %2" : "=m"(now) : "m"(bad), "m"(*idtr));
    EXPECT(now.limit == bad.limit && now.base == bad.base);
}

/* A selector into a register: 16 bits, or the rest becomes 0. */
#define EXPECT_SELECTOR(instruction, is)                                            \
    do {                                                                            \
        uint64_t word = GARBAGE, half = GARBAGE, whole = GARBAGE, memory = GARBAGE; \
        __asm__ volatile(instruction " %w0; " instruction " %k1; " instruction      \
                                     " %q2; " instruction " (%3)"                   \
                         : "+r"(word), "+r"(half), "+r"(whole)                      \
                         : "r"(&memory)                                             \
                         : "memory");                                               \
        EXPECT(word == ((GARBAGE & ~0xffffull) | (is)));                            \
        EXPECT(half == (is) && whole == (is));                                      \
        EXPECT(memory == ((GARBAGE & ~0xffffull) | (is)));                          \
    } while (0)

static void local_table(void)
{
    uint16_t selector = LDT;

    EXPECT_SELECTOR("sldt", 0u);
    EXPECT(WITH_REGISTER("lldt", LDT) == 0);
    EXPECT_SELECTOR("sldt", (uint64_t)LDT);
    EXPECT(WITH_REGISTER("push %%fs; mov %w[from], %%fs; pop %%fs; nop #", OF_LDT) == 0);
    EXPECT_FAULT(VECTOR_GP, OF_LDT, WITH_REGISTER("lldt", OF_LDT));
    EXPECT_FAULT(VECTOR_GP, CODE, WITH_REGISTER("lldt", CODE | 3));
    EXPECT_FAULT(VECTOR_GP, TASK, WITH_REGISTER("lldt", TASK));
    EXPECT_FAULT(VECTOR_NP, ABSENT_LDT, WITH_REGISTER("lldt", ABSENT_LDT));
    EXPECT_FAULT(VECTOR_GP, UPPER_SET, WITH_REGISTER("lldt", UPPER_SET));
    EXPECT_FAULT(VECTOR_GP, CUT_OFF, WITH_REGISTER("lldt", CUT_OFF));
    EXPECT_FAULT(VECTOR_PF, 0, WITH_MEMORY("lldt", UNMAPPED));
    EXPECT_SELECTOR("sldt", (uint64_t)LDT);
    EXPECT(WITH_REGISTER("lldt", 0) == 0);
    EXPECT_SELECTOR("sldt", 0u);
    EXPECT_FAULT(VECTOR_GP, OF_LDT, WITH_REGISTER("mov %w[from], %%fs; nop #", OF_LDT));
    EXPECT(WITH_MEMORY("lldt", &selector) == 0);
    EXPECT_SELECTOR("sldt", (uint64_t)LDT);
    EXPECT(WITH_REGISTER("lldt", 0) == 0);
}

static void task_register(void)
{
    EXPECT_FAULT(VECTOR_GP, 0, WITH_REGISTER("ltr", 3));
    EXPECT_FAULT(VECTOR_GP, LDT, WITH_REGISTER("ltr", LDT));
    EXPECT_FAULT(VECTOR_NP, ABSENT_TASK, WITH_REGISTER("ltr", ABSENT_TASK));
    EXPECT_FAULT(VECTOR_GP, TASK | OF_LDT, WITH_REGISTER("ltr", TASK | OF_LDT));
    EXPECT(WITH_REGISTER("ltr", TASK) == 0);
    EXPECT_SELECTOR("str", (uint64_t)TASK);
    EXPECT(gdt[TASK / 8] == LOW((uint64_t)&task_state, 103, TYPE_TASK | 2)); /* busy */
    EXPECT_FAULT(VECTOR_GP, TASK, WITH_REGISTER("ltr", TASK));

    /* It is in force: #UD comes on a stack that the TSS names. */
    capture_gate(VECTOR_UD, GATE_PRESENT | 1);
    stack[sizeof(stack) - 32] = 0; /* where CS is pushed */
    EXPECT_FAULT(VECTOR_UD, 0, CAPTURE("ud2", (), (), behind));
    EXPECT(stack[sizeof(stack) - 32] == CODE);
    capture_gate(VECTOR_UD, GATE_PRESENT);
}

static void check_descriptors(struct sample *samples, uint64_t count)
{
    struct table_register mine, blobs_own, idtr;

    (void)samples;
    (void)count;
    make_tables(&mine);
    capture_start();
    __asm__ volatile("sgdt %0; lgdt %2; sidt %1" : "=m"(blobs_own), "=m"(idtr) : "m"(mine));
    stores(&mine, &idtr);
    loads(&mine, &idtr);
    local_table();
    task_register();
    __asm__ volatile("lgdt %0" : : "m"(blobs_own));
    capture_end();
}

ROWS = {
    {
        .name = "check/descriptors",
        CHECK(check_descriptors),
        .description = "GDTR, IDTR, LDTR and TR: stored, loaded, used and refused",
        .instruction = "SGDT, LLDT, LTR, ...",
        .requires = ROW_REQUIRES_REAL_MSRS,
    },
};
