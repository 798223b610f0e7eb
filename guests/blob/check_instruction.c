/* SPDX-License-Identifier: MIT */
/*
 * XSETBV, and instructions that a VM-execution control makes exit: the core executes them on the
 * guest's behalf, or tells the guest that it has none of them.
 */
#include "check.h"

#define CPUID_7_EBX_INVPCID     (1u << 10)
#define CPUID_7_EBX_RDSEED      (1u << 18)
#define CPUID_80000001_EDX_TSCP (1u << 27)

#define IA32_TSC_AUX 0xc0000103u

/* A 2 MiB page of the guest's, and the entry that maps it. */
#define LARGE      0x200000ull
#define WINDOW     (15 * LARGE)
#define WINDOW_PDE (*(volatile uint64_t *)(GUEST_PAGE_TABLES + 8192 + 8 * 15))
#define PAGE_FLAGS 0x83ull
#define UNMAPPED   0x40000000ull

#define RFLAGS_ARITHMETIC (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static bool xsetbv(uint32_t index, uint64_t value)
{
    return TRY("xsetbv", (), ("c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))));
}

static uint64_t xgetbv(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

/* The rules for the low ten bits: x87 always; AVX with SSE; MPX and AVX-512 as groups. */
static bool xcr0_is_valid(uint64_t value, uint64_t supported)
{
    unsigned mpx = value >> 3 & 3, avx512 = value >> 5 & 7;
    return value & 1 && !(value & ~supported) && (!(value & 4) || value & 2) &&
           (mpx == 0 || mpx == 3) && (avx512 == 0 || (avx512 == 7 && (value & 6) == 6));
}

static void check_xsetbv(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    EXPECT_EXCEPTION(VECTOR_UD, xsetbv(0, 1)); /* CR4.OSXSAVE is clear */
    if (!cpu_has(CPUID_1_ECX_XSAVE))
        return;
    EXPECT(write_cr4(CR4_PAE | CR4_OSXSAVE));
    EXPECT(cpu_has(CPUID_1_ECX_OSXSAVE));
    struct cpuid leaf = cpuid(0xd, 0);
    uint64_t supported = (uint64_t)leaf.edx << 32 | leaf.eax;

    EXPECT(xgetbv() == 1 && leaf.ebx == 0x240);
    for (uint64_t value = 0; value < 0x400; value++) {
        uint64_t before = xgetbv();
        bool valid = xcr0_is_valid(value, supported);
        EXPECT(xsetbv(0, value) == valid && (valid || exception_vector == VECTOR_GP));
        EXPECT(xgetbv() == (valid ? value : before));
    }
    EXPECT_EXCEPTION(VECTOR_GP, xsetbv(0, 1ull << 63 | 1));
    EXPECT_EXCEPTION(VECTOR_GP, xsetbv(1, 1));

    /* It is in force: CPUID counts AVX's 256 bytes of the save area, and AVX is there. */
    if (supported & 4) {
        EXPECT(xsetbv(0, 7) && cpuid(0xd, 0).ebx == 0x340);
        EXPECT(TRY("vzeroall", (), ()));
        EXPECT(xsetbv(0, 3) && cpuid(0xd, 0).ebx == 0x240);
        EXPECT_EXCEPTION(VECTOR_UD, TRY("vzeroall", (), ()));
    }
    EXPECT(xsetbv(0, 1));
    EXPECT(write_cr4(CR4_PAE));
    EXPECT(!cpu_has(CPUID_1_ECX_OSXSAVE));
}

/*
 * A random number into a register that was all ones. Of the value, the upper bits must be as the
 * operand size has it; of the flags, CF alone is set.
 */
#define EXPECT_RANDOM(instruction, whole, part, from, upper)                                   \
    do {                                                                                       \
        uint64_t flags, value;                                                                 \
        __asm__ volatile("push %%" whole "\n\tmov $-1, %%" whole "\n\t" instruction " %%" part \
                         "\n\tpushf\n\tmov %%" whole ", %%rcx\n\tpop %%rax\n\tpop %%" whole    \
                         : "=a"(flags), "=c"(value)                                            \
                         :                                                                     \
                         : "cc");                                                              \
        EXPECT((flags & RFLAGS_ARITHMETIC) == RFLAGS_CF);                                      \
        EXPECT(value != ~0ull && value != 0 && value >> (from) == (upper));                    \
    } while (0)

/*
 * Every register that the exit stub treats in a way of its own. No 16-bit operands: Bochs 2.7
 * reports the address size in place of the operand size, so that they exit as 32-bit ones.
 */
static void check_random(void)
{
    if (cpu_has(CPUID_1_ECX_RDRAND)) {
        EXPECT_RANDOM("rdrand", "rbx", "rbx", 63, value >> 63);
        EXPECT_RANDOM("rdrand", "rbp", "ebp", 32, 0);
        EXPECT_RANDOM("rdrand", "r8", "r8d", 32, 0);
        EXPECT_RANDOM("rdrand", "r12", "r12", 63, value >> 63);
        EXPECT_RANDOM("rdrand", "r13", "r13", 63, value >> 63);
        EXPECT_RANDOM("rdrand", "r14", "r14d", 32, 0);
        EXPECT_RANDOM("rdrand", "r15", "r15d", 32, 0);
    }
    if (cpuid(7, 0).ebx & CPUID_7_EBX_RDSEED) {
        EXPECT_RANDOM("rdseed", "rsi", "rsi", 63, value >> 63);
        EXPECT_RANDOM("rdseed", "r15", "r15d", 32, 0);
    }
}

/* Time goes forward, and both halves come in registers of their own. */
static void check_time(void)
{
    uint64_t low = ~0ull, high = ~0ull, aux = ~0ull, before, after;

    __asm__ volatile("rdtsc" : "+a"(low), "+d"(high));
    EXPECT(!(low >> 32) && !(high >> 32));
    before = high << 32 | low;
    if (cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_TSCP) {
        EXPECT(try_wrmsr(IA32_TSC_AUX, 0x12345678));
        __asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "+c"(aux));
        EXPECT(aux == 0x12345678);
        after = high << 32 | low;
        EXPECT(after > before && after - before < 100000);
        EXPECT(try_wrmsr(IA32_TSC_AUX, 0));
    }
    EXPECT_EXCEPTION(VECTOR_GP, TRY("rdpmc", ("+a"(low), "+d"(high)), ("c"(0x12345678))));
}

static void check_waiting(void)
{
    static uint64_t line;

    __asm__ volatile("pause");
    if (!cpu_has(CPUID_1_ECX_MONITOR))
        return;
    EXPECT(TRY("monitor", (), ("a"(&line), "c"(0ull), "d"(0))));
    EXPECT_EXCEPTION(VECTOR_GP, TRY("monitor", (), ("a"(&line), "c"(1ull), "d"(0))));
    EXPECT_EXCEPTION(VECTOR_GP, TRY("mwait", (), ("a"(0), "c"(4ull))));
}

struct invpcid_descriptor {
    uint64_t pcid;
    uint64_t address;
};

static bool invpcid(uint64_t type, const struct invpcid_descriptor *descriptor)
{
    return TRY("invpcid (%[at]), %[type]", (), ([at] "r"(descriptor), [type] "r"(type)));
}

/* What it must refuse; and that a new translation is seen behind it, of every type. */
static void check_invpcid(void)
{
    volatile uint64_t *window = (volatile uint64_t *)WINDOW;
    struct invpcid_descriptor descriptor = {0, WINDOW};

    if (!(cpuid(7, 0).ebx & CPUID_7_EBX_INVPCID))
        return;
    *window = 30;
    *(volatile uint64_t *)(WINDOW - LARGE) = 28;
    for (uint64_t type = 0; type < 4; type++) {
        EXPECT(*window == 30);
        WINDOW_PDE = (WINDOW - LARGE) | PAGE_FLAGS;
        EXPECT(invpcid(type, &descriptor));
        EXPECT(*window == 28);
        WINDOW_PDE = WINDOW | PAGE_FLAGS;
        EXPECT(invpcid(type, &descriptor));
    }
    EXPECT_EXCEPTION(VECTOR_GP, invpcid(4, &descriptor));
    descriptor.address = 1ull << 63;
    EXPECT_EXCEPTION(VECTOR_GP, invpcid(0, &descriptor));
    EXPECT(invpcid(2, &descriptor));
    descriptor.pcid = 1; /* without CR4.PCIDE */
    EXPECT_EXCEPTION(VECTOR_GP, invpcid(1, &descriptor));
    descriptor.pcid = 1ull << 12;
    EXPECT_EXCEPTION(VECTOR_GP, invpcid(2, &descriptor));
    EXPECT_EXCEPTION(VECTOR_PF, invpcid(2, (void *)UNMAPPED));
    EXPECT(read_cr2() == UNMAPPED);
    EXPECT_EXCEPTION(VECTOR_GP, invpcid(2, (void *)(1ull << 63)));
}

/* VMX and SMX: CPUID hides them, and they are not there. */
static void check_undefined(void)
{
    static uint64_t memory[2];

#define EXPECT_UNDEFINED(text) \
    EXPECT_EXCEPTION(VECTOR_UD, TRY(text, (), ([at] "r"(memory), [all] "r"(1ull), "a"(0ull))))
    EXPECT(!cpu_has(1u << 5 | 1u << 6));
    EXPECT_UNDEFINED("vmclear (%[at])");
    EXPECT_UNDEFINED("vmlaunch");
    EXPECT_UNDEFINED("vmptrld (%[at])");
    EXPECT_UNDEFINED("vmptrst (%[at])");
    EXPECT_UNDEFINED("vmread %[all], (%[at])");
    EXPECT_UNDEFINED("vmresume");
    EXPECT_UNDEFINED("vmwrite %[all], %[all]");
    EXPECT_UNDEFINED("vmxoff");
    EXPECT_UNDEFINED("vmxon (%[at])");
    EXPECT_UNDEFINED("invept (%[at]), %[all]");
    EXPECT_UNDEFINED("invvpid (%[at]), %[all]");
    EXPECT_UNDEFINED("vmfunc");
    EXPECT_UNDEFINED("getsec");
    EXPECT_UNDEFINED("rsm");
    EXPECT(memory[0] == 0 && memory[1] == 0);
}

static void check_instructions(struct sample *samples, uint64_t count)
{
    static volatile uint64_t kept = 1;

    (void)samples;
    (void)count;
    check_time();
    check_random();
    check_waiting();
    check_invpcid();
    check_undefined();
    kept = 0x0123456789abcdef;
    __asm__ volatile("wbinvd" : : : "memory");
    EXPECT(kept == 0x0123456789abcdef);
    __asm__ volatile("invd" : : : "memory");
    EXPECT(kept == 0x0123456789abcdef);
    __asm__ volatile("invlpg (%0)" : : "r"(0x8000000000000000) : "memory"); /* not canonical */
}

ROWS = {
    {
        .name = "check/xsetbv",
        CHECK(check_xsetbv),
        .description = "XCR0 takes what the SDM allows, nothing else, and is in force",
        .instruction = "XSETBV",
    },
    {
        .name = "check/instructions",
        CHECK(check_instructions),
        .description = "time, random numbers, hints and caches; no VMX for a guest",
        .instruction = "RDTSC, RDRAND, ...",
        .requires = ROW_REQUIRES_REAL_MSRS,
    },
};
