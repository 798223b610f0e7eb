/* SPDX-License-Identifier: MIT */
/*
 * Instructions on a device whose registers keep what is written, against the same instructions on
 * memory: registers, flags and bytes must come out the same.
 */
#include "check.h"

#define IA32_FS_BASE 0xc0000100

#define BYTES 64u

/* What goes into each instruction, and what comes out. */
struct state {
    uint64_t rax, rcx, rdx, rsi, rdi, r12, flags;
};

static uint64_t memory[BYTES / 8];
static uint8_t source[BYTES];
static volatile uint64_t *const device = (volatile uint64_t *)GUEST_DEVICE_BASE;

/* RBX is the operand's address, RCX is 2, RSI and RDI memory of their own; R8 is free. */
#define RUN(text, at, s)                                                                       \
    do {                                                                                       \
        register uint64_t r12 __asm__("r12") = (s).r12;                                        \
        __asm__ volatile("push %[flags]\n\tpopfq\n\t" text "\n\tpushfq\n\tpop %[flags]\n\tcld" \
                         : "+a"((s).rax), "+c"((s).rcx), "+d"((s).rdx), "+S"((s).rsi),         \
                           "+D"((s).rdi), "+r"(r12), [flags] "+r"((s).flags)                   \
                         : "b"(at)                                                             \
                         : "r8", "r9", "r10", "r11", "r13", "r14", "memory", "cc");            \
        (s).r12 = r12;                                                                         \
    } while (0)

/* By quadwords, as each access to the device is an exit. */
static void fill(uint64_t seed)
{
    for (uint32_t i = 0; i < BYTES / 8; i++) {
        seed = seed * 6364136223846793005ull + 1442695040888963407ull;
        memory[i] = device[i] = seed ^ seed >> 29;
    }
}

/* The other operand's bytes, afresh before each run, and what has become of them. */
static void fill_source(void)
{
    for (uint32_t i = 0; i < BYTES; i++)
        source[i] = (uint8_t)(37 * i + 11);
}

static uint64_t digest(void)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < BYTES; i++)
        sum = sum * 31 + source[i];
    return sum;
}

static struct state before(uint64_t round)
{
    return (struct state){
        .rax = 0x8000000180017f80ull + round * 0x0101010101010101ull,
        .rcx = 2,
        .rdx = 0x123456789abcdef0ull,
        .rsi = (uint64_t)source,
        .rdi = (uint64_t)source,
        .r12 = 0xfedcba9876543210ull,
        .flags = 2 | (round & 1),
    };
}

#define ARITHMETIC 0x8d5u
#define ADJUST     0x10u /* AF: undefined after logic */

static bool same(const struct state *a, const struct state *b, uint64_t flags)
{
    bool equal = a->rax == b->rax && a->rcx == b->rcx && a->rdx == b->rdx && a->rsi == b->rsi &&
                 a->r12 == b->r12 && !((a->flags ^ b->flags) & flags);
    for (uint32_t i = 0; i < BYTES / 8; i++)
        equal &= memory[i] == device[i];
    return equal;
}

/* Twice, with carry and without; RDI differs where it is the operand's address. */
#define COMPARE(text, flags, memory_rdi, device_rdi, memory_rsi, device_rsi) \
    for (uint64_t round = 0; round < 2; round++) {                           \
        struct state plain = before(round), mapped = before(round);          \
        fill(round);                                                         \
        plain.rdi = (memory_rdi);                                            \
        mapped.rdi = (device_rdi);                                           \
        plain.rsi = (memory_rsi);                                            \
        mapped.rsi = (device_rsi);                                           \
        fill_source();                                                       \
        RUN(text, memory, plain);                                            \
        uint64_t other = digest();                                           \
        fill_source();                                                       \
        RUN(text, device, mapped);                                           \
        EXPECT(digest() == other);                                           \
        EXPECT(plain.rdi - (memory_rdi) == mapped.rdi - (device_rdi));       \
        EXPECT(plain.rsi - (memory_rsi) == mapped.rsi - (device_rsi));       \
        mapped.rsi = plain.rsi;                                              \
        EXPECT(same(&plain, &mapped, flags));                                \
    }

#define OTHER       (uint64_t) source
#define FORM(text)  COMPARE(text, ARITHMETIC, OTHER, OTHER, OTHER, OTHER)
#define LOGIC(text) COMPARE(text, ARITHMETIC & ~ADJUST, OTHER, OTHER, OTHER, OTHER)
/* The device is the destination, or the source. */
#define TO(text)   COMPARE(text, ARITHMETIC, (uint64_t)memory, (uint64_t)device, OTHER, OTHER)
#define FROM(text) COMPARE(text, ARITHMETIC, OTHER, OTHER, (uint64_t)memory, (uint64_t)device)

static void moves(void)
{
    FORM("movb %%al, (%%rbx)");
    FORM("movb %%ah, 1(%%rbx)");
    FORM("movb %%r12b, 63(%%rbx)");
    FORM("movw %%ax, 3(%%rbx)");
    FORM("movl %%edx, 4(%%rbx)");
    FORM("movq %%r12, 8(%%rbx)");
    FORM("movb (%%rbx), %%dl");
    FORM("movb 1(%%rbx), %%dh");
    FORM("movw 2(%%rbx), %%r12w");
    FORM("movl 4(%%rbx), %%r12d");
    FORM("movq 8(%%rbx), %%rax");
    FORM("movb $0x85, (%%rbx)");
    FORM("movw $0x8586, (%%rbx)");
    FORM("movl $0x85868788, (%%rbx)");
    FORM("movq $-5, (%%rbx)");
    FORM("movzbw 1(%%rbx), %%ax");
    FORM("movzbl 1(%%rbx), %%eax");
    FORM("movzbq 1(%%rbx), %%r12");
    FORM("movzwl 2(%%rbx), %%edx");
    FORM("movzwq 2(%%rbx), %%rdx");
    FORM("movsbw 3(%%rbx), %%dx");
    FORM("movsbl 4(%%rbx), %%edx");
    FORM("movsbq 5(%%rbx), %%r12");
    FORM("movswl 6(%%rbx), %%eax");
    FORM("movswq 6(%%rbx), %%rax");
    FORM("movslq 8(%%rbx), %%rax");
    FORM("movnti %%edx, (%%rbx)");
    FORM("movnti %%r12, 8(%%rbx)");
    FORM("xchgb %%al, (%%rbx)");
    FORM("xchgw %%dx, (%%rbx)");
    FORM("xchgl %%r12d, (%%rbx)");
    FORM("xchgq %%rax, 8(%%rbx)");
}

static void addresses(void)
{
    FORM("movl %%eax, (%%rbx,%%rcx,1)");
    FORM("movl %%eax, 4(%%rbx,%%rcx,8)");
    FORM("movl %%eax, -16(%%rbx,%%rcx,8)");
    FORM("mov %%rbx, %%r13\n\tmovl %%eax, (%%r13)");
    FORM("lea -0x12345678(%%rbx), %%r14\n\tmovl 0x12345678(%%r14), %%eax");
    FORM("xchg %%rbx, %%rbp\n\tmovl %%eax, 5(%%rbp)\n\txchg %%rbx, %%rbp");
    FORM("xchg %%rbx, %%rsp\n\tmovl %%eax, 5(%%rsp)\n\txchg %%rbx, %%rsp");
    FORM("mov %%rbx, %%r8\n\tmov %%rcx, %%r9\n\tmovb %%r12b, 1(%%r8,%%r9,4)");
    FORM("mov %%rbp, %%r8\n\tmovl 8(%%rbx), %%ebp\n\txchg %%rbp, %%r8\n\tmov %%r8, %%rdx");
    FORM("movabs $0xfedc000000000000, %%r8\n\tlea (%%r8,%%rbx), %%r8\n\tmovl %%eax, (%%r8d)");
    FORM("movl %%eax, %%es:(%%rbx)");

    uint64_t whole = 0;
    EXPECT(try_wrmsr(IA32_FS_BASE, GUEST_DEVICE_BASE - 0x100));
    fill(7);
    __asm__ volatile("movq %%fs:0x108, %0" : "=r"(whole));
    EXPECT(whole == memory[1]);
    __asm__ volatile("movabs 0x8000008, %%rax" : "=a"(whole));
    EXPECT(whole == memory[1]);
    __asm__ volatile("movabs %%eax, 0x8000010" : : "a"(0x12345678) : "memory");
    EXPECT((uint32_t)device[2] == 0x12345678);
    EXPECT(device[2] >> 32 == memory[2] >> 32);
}

#define ALU_OF(form, name)               \
    form(name "b %%al, (%%rbx)");        \
    form(name "w %%dx, 2(%%rbx)");       \
    form(name "l %%r12d, 4(%%rbx)");     \
    form(name "q %%rax, 8(%%rbx)");      \
    form(name "b $0x81, (%%rbx)");       \
    form(name "l $0x81828384, (%%rbx)"); \
    form(name "q $-3, (%%rbx)")
#define ALU(form, name)             \
    ALU_OF(form, name);             \
    form(name "b 1(%%rbx), %%dh");  \
    form(name "w 2(%%rbx), %%ax");  \
    form(name "l 4(%%rbx), %%edx"); \
    form(name "q 8(%%rbx), %%r12")
#define UNARY(name)          \
    FORM(name "b (%%rbx)");  \
    FORM(name "w 2(%%rbx)"); \
    FORM(name "l 4(%%rbx)"); \
    FORM("lock " name "q 8(%%rbx)")

static void arithmetic(void)
{
    ALU(FORM, "add");
    ALU(FORM, "adc");
    ALU(FORM, "sub");
    ALU(FORM, "sbb");
    ALU(FORM, "cmp");
}

static void logic(void)
{
    ALU(LOGIC, "and");
    ALU(LOGIC, "or");
    ALU(LOGIC, "xor");
    ALU_OF(LOGIC, "test");
    UNARY("not");
    UNARY("neg");
    UNARY("inc");
    UNARY("dec");
    FORM("lock addl %%eax, (%%rbx)");
    LOGIC("lock orb $0x80, (%%rbx)");
}

static void strings(void)
{
    TO("stosb");
    TO("stosw");
    TO("stosq");
    TO("mov $7, %%ecx\n\trep stosl");
    TO("mov $9, %%ecx\n\tlea 40(%%rdi), %%rdi\n\tstd\n\trep stosb");
    FROM("lodsb");
    FROM("lodsl");
    FROM("mov $3, %%ecx\n\trep lodsq");
    TO("movsb");
    TO("movsl");
    TO("mov $8, %%ecx\n\trep movsq");
    FROM("movsw");
    FROM("mov $33, %%ecx\n\trep movsb");
    FROM("mov $5, %%ecx\n\tlea 24(%%rsi), %%rsi\n\tlea 20(%%rdi), %%rdi\n\tstd\n\trep movsl");
    TO("mov $0, %%ecx\n\trep stosl");
    /* from one register to another */
    COMPARE("mov $4, %%ecx\n\trep movsb", ARITHMETIC, (uint64_t)memory + 32, (uint64_t)device + 32,
            (uint64_t)memory, (uint64_t)device);
}

/* INVALID: the CPU itself refuses it. */
static void refused(void)
{
    EXPECT_EXCEPTION(VECTOR_UD,
                     TRY(".byte 0xf0\n\tmovl %%eax, (%[at])", (), ([at] "r"(GUEST_DEVICE_BASE))));
    EXPECT_EXCEPTION(VECTOR_GP, TRY("movsb", (), ("S"(GUEST_DEVICE_BASE), "D"(1ull << 63))));
    EXPECT_EXCEPTION(VECTOR_PF, TRY("movsb", (), ("S"(GUEST_DEVICE_BASE), "D"(1ull << 30))));
    EXPECT(read_cr2() == 1ull << 30);
}

static void move(const volatile void *from, volatile void *to)
{
    __asm__ volatile("movsq" : "+S"(from), "+D"(to) : : "memory");
}

/* The same registers where the exit tells an address only, and the instruction the rest. */
static void trapped(void)
{
    volatile uint64_t *const there = (volatile uint64_t *)GUEST_TRAPPED_BASE, *to = &there[1];
    uint64_t count = 2;

    fill(17);
    EXPECT(there[3] == memory[3]);
    there[3] = 0x1122334455667788;
    EXPECT(device[3] == 0x1122334455667788);
    __asm__ volatile("addl $0x11, (%0)" : : "r"(&there[3]) : "memory", "cc");
    EXPECT(device[3] == 0x1122334455667799);
    move(&memory[4], &there[3]);
    EXPECT(device[3] == memory[4]);
    move(&there[5], &memory[4]);
    EXPECT(memory[4] == memory[5]);
    move(&there[6], &there[2]); /* either operand is of this kind ... */
    EXPECT(device[2] == memory[6]);
    move(&device[7], &there[2]); /* ... and of either kind one */
    EXPECT(device[2] == memory[7]);
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(count) : "a"(0x5a) : "memory");
    EXPECT(device[1] == 0x5a0000005a && !count && to == &there[2]);
}

static void check_mmio(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    moves();
    addresses();
    arithmetic();
    logic();
    strings();
    refused();
    trapped();
}

ROWS = {
    {
        .name = "check/mmio",
        .description = "instructions do to a device what they do to memory, flags included",
        .instruction = "MOV, ADD, XCHG, MOVS, ...",
        CHECK(check_mmio),
        .requires = ROW_REQUIRES_REAL_MSRS,
    },
};
