/* SPDX-License-Identifier: MIT */
/*
 * Guests that do what no benchmark should: each must end as a named failure, with the state dump,
 * and never harm the core or hang the harness. A blob of its own, for the tests: exitmeter run
 * --corpus.
 */
#include "../blob/exception.h"
#include "../blob/modes.h"
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

/* A page on demand that only this access is left of, by the device's window. */
static volatile uint8_t *narrowed(uint64_t access)
{
    volatile uint8_t *page = (volatile uint8_t *)GUEST_DEMAND_BASE;

    *page = 0xc3; /* RET */
    *(volatile uint64_t *)DEVICE_PAGE = GUEST_DEMAND_BASE;
    *(volatile uint64_t *)DEVICE_ACCESS = access;
    return page;
}

#define HOSTILE(name, code)                                  \
    static void name(struct sample *samples, uint64_t count) \
    {                                                        \
        (void)samples;                                       \
        (void)count;                                         \
        code;                                                \
    }

/* Where the guest's tables have a page that EPT has not: 2 MiB behind the device. */
#define NOWHERE (GUEST_DEVICE_BASE + GUEST_DEVICE_SIZE)
HOSTILE(read_outside, (void)*(volatile uint8_t *)NOWHERE)
HOSTILE(fetch_outside, __asm__ volatile("call *%0" : : "r"(NOWHERE) : "memory"))
HOSTILE(tables_outside, {
    *(volatile uint64_t *)GUEST_PD_ENTRY = NOWHERE | 3;
    __asm__ volatile("invlpg (%0)" : : "r"(30ull << 20) : "memory");
    *(volatile uint64_t *)(30ull << 20) = 1;
})
HOSTILE(write_protected, *narrowed(1) = 1)
HOSTILE(fetch_protected, __asm__ volatile("call *%0" : : "r"(narrowed(3)) : "memory"))

/* What is not emulated of a device. */
HOSTILE(device_fetch, __asm__ volatile("call *%0" : : "r"(GUEST_DEVICE_BASE) : "memory"))
HOSTILE(device_fnstcw, __asm__ volatile("fnstcw (%0)" : : "r"(GUEST_DEVICE_BASE) : "memory"))
HOSTILE(device_page_end, *(volatile uint32_t *)(GUEST_DEVICE_BASE + 0xffe) = 1)
HOSTILE(device_no_register, *(volatile uint64_t *)(GUEST_DEVICE_BASE + 0x1800) = 1)
HOSTILE(device_stack, __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(GUEST_DEVICE_BASE + 0x800)))
HOSTILE(device_tables, {
    *(volatile uint64_t *)GUEST_PD_ENTRY = GUEST_DEVICE_BASE | 3;
    __asm__ volatile("invlpg (%0)" : : "r"(30ull << 20) : "memory");
    *(volatile uint64_t *)(30ull << 20) = 1;
})

/* INS to the page at 30 MiB, 4096 times a byte, under that entry; the vector it raises, or 0. */
static uint32_t string_io_by(uint64_t entry)
{
    uint64_t to = 30ull << 20, left = 4096;

    *(volatile uint64_t *)GUEST_PD_ENTRY = entry;
    __asm__ volatile("invlpg (%0)" : : "r"(to) : "memory");
    exception_vector = 0;
    __asm__ volatile("movq $1f, exception_resume\n\tcld\n\trep insb\n\t1:"
                     : "+D"(to), "+c"(left)
                     : "d"(0x80)
                     : "memory");
    exception_resume = 0;
    return exception_vector;
}

static void string_io_outside(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    string_io_by(OUTSIDE | 0x83);
}

/* Page tables of every kind, for the core to walk. */
static void string_io(struct sample *samples, uint64_t count)
{
    static uint64_t table[512] __attribute__((aligned(4096)));
    const struct {
        uint64_t entry;
        uint32_t vector;
    } entries[] = {
        {30ull << 20 | 0x83, 0},
        {0, 14},
        {30ull << 20 | 0x81, 14},              /* not to be written */
        {30ull << 20 | 0x2083, 14},            /* a reserved bit */
        {1ull << 51 | 0x83, 14},               /* an address wider than there is */
        {1ull << 63 | 30ull << 20 | 0x83, 14}, /* XD without EFER.NXE */
        {(uint64_t)table | 3, 14},             /* a table without entries */
        {GUEST_PAGE_TABLES + 8192 + 3, 0},     /* the page directory as its own table */
    };
    (void)samples;
    (void)count;
    for (uint64_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        if (string_io_by(entries[i].entry) != entries[i].vector)
            hypercall(HYPERCALL_FAILED, i);
}

static void unknown_hypercall(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    if (hypercall(0x1234, 0) != (uint64_t)-38)
        hypercall(HYPERCALL_FAILED, __LINE__);
}

/* What it takes "unrestricted guest" for. */
static void real_mode(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    modes_descend(true);
}

/* The page that the core runs guests without paging on, where it does: not theirs to write. */
static void identity_map(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    for (uint64_t at = 0; at < 4096; at += 8)
        *(volatile uint64_t *)(GUEST_IDENTITY_MAP + at) = OUTSIDE | 0xe7;
    modes_descend(false);
}

/* Under "unclaimed io ones": no device answers, and none hears. */
static void ports_of_ones(struct sample *samples, uint64_t count)
{
    static const uint16_t ports[] = {0x71, 0x80, 0x3f8, 0x3fb, 0xcfc, 0x7fff, 0xfffc};
    static uint32_t row[2] = {1, 2};
    void *to = row;
    uint64_t left = 2;
    (void)samples;
    (void)count;
    for (uint64_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        uint64_t value = 0x1122334455667700;
        __asm__ volatile("in %%dx, %%al" : "+a"(value) : "d"(ports[i]));
        if (value != 0x11223344556677ff)
            hypercall(HYPERCALL_FAILED, i << 32 | 1);
        __asm__ volatile("in %%dx, %%ax" : "+a"(value) : "d"(ports[i]));
        if (value != 0x112233445566ffff)
            hypercall(HYPERCALL_FAILED, i << 32 | 2);
        __asm__ volatile("in %%dx, %%eax" : "+a"(value) : "d"(ports[i]));
        if (value != 0xffffffff)
            hypercall(HYPERCALL_FAILED, i << 32 | 4);
    }
    __asm__ volatile("cld; rep insl" : "+D"(to), "+c"(left) : "d"(0xcfc) : "memory");
    if (row[0] != UINT32_MAX || row[1] != UINT32_MAX)
        hypercall(HYPERCALL_FAILED, 8);
}

/* A byte of the CMOS memory: an OUT that exits chooses it, an IN that passes reads it. */
static uint8_t cmos(uint8_t index)
{
    uint8_t value;
    __asm__ volatile("out %%al, $0x70" : : "a"(index));
    __asm__ volatile("in $0x71, %%al" : "=a"(value));
    return value;
}

/* Base memory is 640 KiB, 0x280: one byte is read twice only if the choice has not arrived. */
static void port_unheard(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    if (cmos(0x15) != cmos(0x16))
        hypercall(HYPERCALL_FAILED, cmos(0x15) << 8 | cmos(0x16));
}

ROW_CODE(two_exits, "xor %%eax, %%eax\n\txor %%ecx, %%ecx", "cpuid\n\tcpuid")

#define GUEST(function, text)                                                      \
    {                                                                              \
        .name = #function, .description = text, .instruction = "", .op = function, \
        .control = function                                                        \
    }

ROWS = {
    GUEST(triple_fault, "#UD without an IDT"),
    GUEST(exception, "#UD that nobody expects"),
    GUEST(halt, "HLT with interrupts off"),
    GUEST(endless, "a loop without an end"),
    GUEST(outside_memory, "a write to memory that is not the guest's"),
    GUEST(read_outside, "a read of memory that is not there"),
    GUEST(fetch_outside, "a jump to memory that is not there"),
    GUEST(tables_outside, "page tables in memory that is not there"),
    GUEST(write_protected, "a write to memory that may be read only"),
    GUEST(fetch_protected, "a jump to memory that may not be executed"),
    GUEST(device_fetch, "a jump into a device"),
    GUEST(device_fnstcw, "an instruction on a device that is not emulated"),
    GUEST(device_page_end, "an access across a device's end of a page"),
    GUEST(device_no_register, "a register that the device does not have"),
    GUEST(device_stack, "an exception whose frame goes to a device"),
    GUEST(device_tables, "page tables in a device"),
    GUEST(string_io_outside, "REP INSB to memory that is not the guest's"),
    GUEST(real_mode, "down to real mode"),
    GUEST(identity_map, "no paging, and what stands in for it overwritten"),
    {
        .name = "check/string_io",
        .description =
            "REP INSB by page tables of every kind: done or refused, and the guest goes on",
        .instruction = "INS",
        .op = string_io,
        .control = string_io,
        .flags = ROW_CHECK,
    },
    {
        .name = "check/ports_of_ones",
        .description = "IN and INS of ports that nobody claims: ones, whatever device is there",
        .instruction = "IN",
        .op = ports_of_ones,
        .control = ports_of_ones,
        .flags = ROW_CHECK,
    },
    {
        .name = "check/port_unheard",
        .description = "OUT to a port that nobody claims: the device does not hear of it",
        .instruction = "OUT",
        .op = port_unheard,
        .control = port_unheard,
        .flags = ROW_CHECK,
    },
    {
        .name = "check/unknown_hypercall",
        .description = "a hypercall that is not there: refused, and the guest goes on",
        .instruction = "VMCALL",
        .op = unknown_hypercall,
        .control = unknown_hypercall,
        .flags = ROW_CHECK,
    },
    {
        .name = "two_exits",
        CODE(two_exits),
        .description = "claims one exit an operation and takes two",
        .instruction = "CPUID",
        .exits = {ALWAYS(CPUID)},
    },
};
