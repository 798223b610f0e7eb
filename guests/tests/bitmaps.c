/* SPDX-License-Identifier: MIT */
/*
 * Every access that a bit decides on: all ports by 1, 2 and 4 bytes, all MSRs with bits in both
 * directions, under random bitmaps that ci/tests/test_bitmaps.py writes into a policy from the same
 * seed. An access must exit exactly if the SDM says so (Vol. 3C 26.1.3, 25.6.4, 25.6.9): it takes
 * one tick of Bochs's clock if it does not, and the whole way to the core and back if it does.
 *
 * The first that is otherwise ends the check; its value tells which (see failure()).
 */
#include "../blob/exception.h"
#include "../blob/row.h"

#define PORTS     0x10000u
#define MSR_RANGE 0x2000u
#define MSR_HIGH  0xc0000000u
#define SEED_STEP 0x9e3779b97f4a7c15ull

enum access {
    ACCESS_IN = 1,
    ACCESS_OUT = 2,
    ACCESS_RDMSR = 3,
    ACCESS_WRMSR = 4,
    ACCESS_NONE = 15, /* the clock cannot tell exits here */
};

/* Bits by port, and by MSR: those from MSR_HIGH on stand behind the others. */
static uint8_t port_bits[PORTS / 8], read_bits[2 * MSR_RANGE / 8], write_bits[2 * MSR_RANGE / 8];

/* MSRs whose write is left out, where that is not the core's to answer. */
static const struct {
    uint32_t msr;
    bool if_intercepted; /* left out then too */
} unwritten[] = {
    {0x10, true},   /* IA32_TIME_STAMP_COUNTER: the clock itself */
    {0x1b, false},  /* IA32_APIC_BASE: Bochs cannot enable its local APIC a second time */
    {0x830, false}, /* x2APIC ICR: an interrupt sent, as Bochs refuses no reserved bit */
};

/* A local APIC refuses it, whichever register, so that no write has an effect. */
#define X2APIC_FIRST   0x800u
#define X2APIC_LAST    0x8ffu
#define X2APIC_REFUSES 0x8000000080000000ull

/* OUT goes where no device listens, and where bitmap A ends, and the last port is. */
static const struct {
    uint32_t first, last;
} silent[] = {{0x7f00, 0x80ff}, {0xff00, 0xffff}};

/* The access is not as wanted: [3:0] of the upper half which, [7:4] bytes, 8 "an exit is due". */
static void failure(enum access access, uint32_t number, uint32_t bytes, bool exit_due)
{
    hypercall(HYPERCALL_FAILED,
              (uint64_t)(access | bytes << 4 | (uint32_t)exit_due << 8) << 32 | number);
}

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Eight bits at a time; how many of them are set differs from byte to byte. */
static void fill(uint8_t *bits, uint32_t bytes, uint64_t *state)
{
    for (uint32_t i = 0; i < bytes; i++) {
        uint64_t x = next(state);
        unsigned rarity = x >> 32 & 3;
        bits[i] = (uint8_t)(rarity == 3   ? 0
                            : rarity == 2 ? x & x >> 8 & x >> 16
                            : rarity == 1 ? x & x >> 8
                                          : x);
    }
}

static bool bit(const uint8_t *bits, uint32_t number)
{
    return bits[number / 8] >> number % 8 & 1;
}

/* Ticks of an operation, with a few around it; operands in ECX and R9, result in RAX and RDX. */
#define MEASURE(operation)                                                                        \
    ({                                                                                            \
        uint32_t start, end, high;                                                                \
        uint64_t low;                                                                             \
        exception_vector = 0;                                                                     \
        __asm__ volatile("movq $1f, exception_resume\n\t"                                         \
                         "lfence; rdtsc; lfence\n\t"                                              \
                         "mov %%eax, %[start]\n\t" operation "\n\t"                               \
                         "1: mov %%rax, %[low]; mov %%edx, %[high]\n\t"                           \
                         "lfence; rdtsc; lfence"                                                  \
                         : [start] "=&r"(start), [low] "=&r"(low), [high] "=&r"(high), "=&a"(end) \
                         : "c"(number), [value] "r"(value)                                        \
                         : "rdx", "rdi", "memory", "cc");                                         \
        exception_resume = 0;                                                                     \
        result = (uint64_t)high << 32 | (uint32_t)low;                                            \
        end - start;                                                                              \
    })

static uint64_t result; /* of the last */

static uint32_t ticks_of(enum access access, uint32_t number, uint32_t bytes, uint64_t value)
{
    switch (access << 4 | bytes) {
    case ACCESS_IN << 4 | 1:
        return MEASURE("mov %%ecx, %%edx; inb %%dx, %%al");
    case ACCESS_IN << 4 | 2:
        return MEASURE("mov %%ecx, %%edx; inw %%dx, %%ax");
    case ACCESS_IN << 4 | 4:
        return MEASURE("mov %%ecx, %%edx; inl %%dx, %%eax");
    case ACCESS_OUT << 4 | 1:
        return MEASURE("mov %%ecx, %%edx; outb %%al, %%dx");
    case ACCESS_OUT << 4 | 2:
        return MEASURE("mov %%ecx, %%edx; outw %%ax, %%dx");
    case ACCESS_OUT << 4 | 4:
        return MEASURE("mov %%ecx, %%edx; outl %%eax, %%dx");
    case ACCESS_RDMSR << 4:
        return MEASURE("rdmsr");
    case ACCESS_WRMSR << 4:
        return MEASURE("mov %[value], %%rdx; mov %%edx, %%eax; shr $32, %%rdx; wrmsr");
    default: /* hypercall 0, which always exits; RCX is 0 */
        return MEASURE("xor %%eax, %%eax; vmcall");
    }
}

static uint32_t limit; /* ticks: what takes more has exited */

/* Between a VMCALL and an exception, which is the longest that an access without an exit takes. */
static void calibrate(void)
{
    uint32_t exiting = ticks_of(ACCESS_NONE, 0, 0, 0), number = 0;
    uint64_t value = 0;
    uint32_t faulting = MEASURE("mov $0x8000000000000000, %%rdx; movb (%%rdx), %%al");

    limit = (exiting + faulting) / 2;
    if (exiting < 2 * faulting)
        failure(ACCESS_NONE, exiting, 0, true);
}

static void access(enum access access, uint32_t number, uint32_t bytes, uint64_t value,
                   bool exit_due)
{
    if ((ticks_of(access, number, bytes, value) > limit) != exit_due)
        failure(access, number, bytes, exit_due);
}

static bool port_exits(uint32_t port, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        if (port + i >= PORTS || bit(port_bits, port + i))
            return true;
    return false;
}

static void ports(enum access direction, uint32_t first, uint32_t last)
{
    for (uint32_t bytes = 1; bytes <= 4; bytes *= 2)
        for (uint32_t port = first; port <= last; port++)
            access(direction, port, bytes, 0, port_exits(port, bytes));
}

static bool left_out(uint32_t msr, bool intercepted)
{
    for (uint32_t i = 0; i < sizeof(unwritten) / sizeof(unwritten[0]); i++)
        if (unwritten[i].msr == msr)
            return !intercepted || unwritten[i].if_intercepted;
    return false;
}

/* Reads it, and writes back what it held. */
static void msr(uint32_t number, bool read_exits, bool write_exits)
{
    access(ACCESS_RDMSR, number, 0, 0, read_exits);
    uint64_t value = exception_vector ? 0 : result;
    if (number >= X2APIC_FIRST && number <= X2APIC_LAST)
        value = X2APIC_REFUSES;
    if (!left_out(number, write_exits))
        access(ACCESS_WRMSR, number, 0, value, write_exits);
}

static void msrs(void)
{
    static const uint32_t without_bits[] = {
        MSR_RANGE,    MSR_RANGE + 1,        0x40000000,           0x80000000,
        MSR_HIGH - 1, MSR_HIGH - MSR_RANGE, MSR_HIGH + MSR_RANGE, 0xdfff1fff,
        UINT32_MAX};

    for (uint32_t i = 0; i < 2 * MSR_RANGE; i++)
        msr(i < MSR_RANGE ? i : MSR_HIGH + i - MSR_RANGE, bit(read_bits, i), bit(write_bits, i));
    for (uint32_t i = 0; i < sizeof(without_bits) / sizeof(without_bits[0]); i++)
        msr(without_bits[i], true, true);
}

/* MSRs that exit whatever a policy says. */
static void set_what_never_passes(void)
{
    static const struct {
        uint32_t first, last;
    } never[] = {
#define MSR_NEVER(first, last, names, source) {first, last},
#include "../../core/vmx/msr_never_list.h"
#undef MSR_NEVER
    };

    for (uint32_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        for (uint32_t at = never[i].first; at <= never[i].last; at++) {
            read_bits[at / 8] |= (uint8_t)(1u << at % 8);
            write_bits[at / 8] |= (uint8_t)(1u << at % 8);
        }
}

static void check(uint64_t seed)
{
    fill(port_bits, sizeof(port_bits), &seed);
    fill(read_bits, sizeof(read_bits), &seed);
    fill(write_bits, sizeof(write_bits), &seed);
    set_what_never_passes();
    calibrate();
    msrs();
    ports(ACCESS_IN, 0, PORTS - 1);
    for (uint32_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
        ports(ACCESS_OUT, silent[i].first, silent[i].last);
}

/* The control phases do nothing: the others prove it twice, with all probes and as the run has. */
static void nothing(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
}

#define BITMAP(seed)                                                  \
    static void bitmap_##seed(struct sample *samples, uint64_t count) \
    {                                                                 \
        (void)samples;                                                \
        (void)count;                                                  \
        check(seed *SEED_STEP);                                       \
    }
BITMAP(1)
BITMAP(2)
BITMAP(3)

#define ROW(seed)                                                                    \
    {                                                                                \
        .name = "check/bitmap_" #seed, .op = bitmap_##seed, .control = nothing,      \
        .description = "every port and MSR under the random bitmaps of seed " #seed, \
        .instruction = "IN, OUT, RDMSR, WRMSR", .flags = ROW_CHECK,                  \
    }

ROWS = {ROW(1), ROW(2), ROW(3)};
