/* SPDX-License-Identifier: MIT */
/*
 * Guests that do what no benchmark should: each must end as a named failure, with the state dump,
 * and never harm the core or hang the harness. A blob of its own, for the tests: exitmeter run
 * --corpus.
 */
#include "../blob/row.h"

#define GUEST_PD_ENTRY (GUEST_PAGE_TABLES + 8192 + 8 * 15) /* maps 30 MiB */
#define OUTSIDE        0x40000000ull                       /* 1 GiB: nothing there for the guest */

static void triple_fault(struct sample *samples, uint64_t count)
{
    static const struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } nothing;
    (void)samples;
    (void)count;
    __asm__ volatile("lidt %0; ud2" : : "m"(nothing));
}

static void unhandled_exit(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    __asm__ volatile("invd" : : : "memory");
}

static void exception(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    __asm__ volatile("ud2");
}

static void halt(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    __asm__ volatile("hlt");
}

static void endless(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    for (;;)
        __asm__ volatile("pause");
}

static void outside_memory(struct sample *samples, uint64_t count)
{
    volatile uint64_t *entry = (volatile uint64_t *)GUEST_PD_ENTRY;
    (void)samples;
    (void)count;
    *entry = OUTSIDE | 0x83;
    __asm__ volatile("invlpg (%0)" : : "r"(30ull << 20) : "memory");
    *(volatile uint64_t *)(30ull << 20) = 1;
}

static void string_io(struct sample *samples, uint64_t count)
{
    const void *from = samples;
    uint64_t left = count;
    __asm__ volatile("rep outsb" : "+S"(from), "+c"(left) : "d"(0x80) : "memory");
}

static void unknown_hypercall(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    if (hypercall(0x1234, 0) != (uint64_t)-38)
        hypercall(HYPERCALL_FAILED, __LINE__);
}

ROW_CODE(two_exits, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid\n\tcpuid")

#define GUEST(function, text)                                                      \
    {                                                                              \
        .name = #function, .description = text, .instruction = "", .op = function, \
        .control = function, .gate = GATE_ALWAYS                                   \
    }

ROWS = {
    GUEST(triple_fault, "#UD without an IDT"),
    GUEST(unhandled_exit, "INVD, which has no handler"),
    GUEST(exception, "#UD that nobody expects"),
    GUEST(halt, "HLT with interrupts off"),
    GUEST(endless, "a loop without an end"),
    GUEST(outside_memory, "a write to memory that is not the guest's"),
    GUEST(string_io, "REP OUTSB"),
    {
        .name = "check/unknown_hypercall",
        .description = "a hypercall that is not there: refused, and the guest goes on",
        .instruction = "VMCALL",
        .op = unknown_hypercall,
        .control = unknown_hypercall,
        .gate = GATE_ALWAYS,
        .exit_reason = EXIT_REASON_VMCALL,
        .flags = ROW_CHECK,
    },
    {
        .name = "two_exits",
        CODE(two_exits),
        .description = "claims one exit an operation and takes two",
        .instruction = "CPUID",
        .gate = GATE_ALWAYS,
        .exit_reason = EXIT_REASON_CPUID,
    },
};
