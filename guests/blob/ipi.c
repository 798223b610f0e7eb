/* SPDX-License-Identifier: MIT */
/*
 * What one CPU has of another: an interrupt by the x2APIC's ICR, waited for in memory, to one that
 * runs and to one that is halted, by kvm-unit-tests' names; and a word that goes to and fro, which
 * each waits for by PAUSE.
 */
#include "delivery.h"

#include "exception.h"

/* Of the second CPU; what the first waits for as it begins and ends. */
volatile uint32_t other_id, other_turn, other_quit;
static volatile uint32_t other_ready;

static void other_begins(void)
{
    uint64_t id = 0;

    delivery_open();
    try_rdmsr(X2APIC_ID, &id);
    other_id = (uint32_t)id;
    other_ready = 1;
}

static void other_ends(void)
{
    delivery_close();
    other_ready = 0;
}

/* In assembly, for the handler changes registers at any moment. */
static void other_runs(void)
{
    other_begins();
    __asm__ volatile("sti; 1: cmpl $0, other_quit; je 1b; cli"
                     :
                     :
                     : "rax", "rcx", "rdx", "cc", "memory");
    other_ends();
}

/* The instruction behind STI is in its shadow: nothing gets in between that and HLT. */
static void other_halts(void)
{
    other_begins();
    while (!other_quit)
        __asm__ volatile("sti; hlt; cli" : : : "rax", "rcx", "rdx", "memory");
    other_ends();
}

static void other_returns_the_word(void)
{
    other_begins();
    while (!other_quit)
        __asm__ volatile("pause; cmpl $1, other_turn; jne 1f; movl $0, other_turn; 1:"
                         :
                         :
                         : "memory", "cc");
    other_ends();
}

/* No PAUSE: it may exit. */
static void wait_for(volatile uint32_t *word, uint32_t value)
{
    while (*word != value)
        ;
}

static void begin(void)
{
    wait_for(&other_ready, 1);
}

static void end(void)
{
    other_quit = 1;
    wait_for(&other_ready, 0);
    other_quit = 0;
}

static void send(void)
{
    const uint64_t command = (uint64_t)other_id << 32 | DELIVERY_VECTOR;

    __asm__ volatile("wrmsr"
                     :
                     : "c"(X2APIC_ICR), "a"((uint32_t)command), "d"((uint32_t)(command >> 32))
                     : "memory");
}

/* One more interrupt, or it would not look. */
static void end_halted(void)
{
    other_quit = 1;
    send();
    wait_for(&other_ready, 0);
    other_quit = 0;
}

#define TO_OTHER \
    "mov $0x830, %%ecx\n\tmov $0x50, %%eax\n\tmov other_id, %%edx\n\tmov delivered, %%edi"
#define ANSWERED "2: cmp delivered, %%edi\n\tje 2b"
_Static_assert(DELIVERY_VECTOR == 0x50, "as above");

/* Long enough for the other to be in HLT again, or in its loop behind the handler. */
#define SETTLE "mov $2000, %%ebx\n\t3: dec %%ebx\n\tjnz 3b\n\t"

DELIVERY_CODE(ipi, SETTLE TO_OTHER, "wrmsr\n\t" ANSWERED)
ROW_CODE(ple_round_robin, SETTLE,
         "movl $1, other_turn\n\t2: pause\n\tcmpl $0, other_turn\n\tjne 2b")

#define TWO_CPUS (ROW_REQUIRES_TWO_CPUS | ROW_REQUIRES_X2APIC)

ROWS = {
    {
        .name = "ipi",
        CODE(ipi),
        FRAME(begin, end),
        .other = other_runs,
        .description = "IPI to another CPU, which runs, until it is taken there",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(X2APIC_ICR)},
        .requires = TWO_CPUS | ROW_REQUIRES_DELIVERY,
    },
    {
        .name = "ipi_halt",
        CODE(ipi),
        FRAME(begin, end_halted),
        .other = other_halts,
        .description = "IPI to another CPU, which is halted, until it is taken there",
        .instruction = "WRMSR",
        .exits = {IF_MSR_WRITTEN(X2APIC_ICR)},
        .requires = TWO_CPUS | ROW_REQUIRES_DELIVERY | ROW_REQUIRES_HLT,
    },
    {
        .name = "ple_round_robin",
        CODE(ple_round_robin),
        FRAME(begin, end),
        .other = other_returns_the_word,
        .description = "word to another CPU and back, each waiting for it by PAUSE",
        .instruction = "PAUSE",
        .exits = {},
        .requires = TWO_CPUS | ROW_REQUIRES_PAUSE,
    },
};
