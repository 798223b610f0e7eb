/* SPDX-License-Identifier: MIT */
/* EPT violations: first touch of memory on demand, and a device's registers. */
#include "row.h"

/* The constants as the assembler reads them. */
#define DEMAND_BEFORE "0x3fff000"
#define DEVICE        "0x8000000"
#define TRAPPED       "0x8004000"
_Static_assert(0x3fff000 == GUEST_DEMAND_BASE - 0x1000, "the count of samples left starts at 1");
_Static_assert(0x8000000 == GUEST_DEVICE_BASE, "the device's first register");
_Static_assert(0x8004000 == GUEST_TRAPPED_BASE, "the same one");

/* Memory behind the samples, for controls that write. */
#define PLAIN_BEFORE "0x17ff000"
_Static_assert(0x1800000 >= GUEST_SAMPLES_BASE + GUEST_SAMPLES_MAX * sizeof(struct sample),
               "behind");
_Static_assert(0x1800000 + GUEST_DEMAND_PAGES * 4096 <= GUEST_MEMORY_SIZE, "and in memory");

/* Each sample another page: the number of samples that are left, in pages. */
#define NEXT_PAGE "mov %[count], %%rdi\n\tshl $12, %%rdi"

/* The control reads, too, what is mapped. */
ROW_FUNCTION(ept_first_touch_control, NEXT_PAGE, "mov 0x1000(%%rdi), %%al")
ROW_FUNCTION(ept_first_touch_op, NEXT_PAGE, "mov " DEMAND_BEFORE "(%%rdi), %%al")

ROW_FUNCTION(ept_touch_write_control, NEXT_PAGE, "mov %%al, " PLAIN_BEFORE "(%%rdi)")
ROW_FUNCTION(ept_touch_write_op, NEXT_PAGE, "mov %%al, " DEMAND_BEFORE "(%%rdi)")

/*
 * A fresh page is zeros: ADD [RAX], AL. Its last two bytes are executed, which leads to the next
 * page, where JMP RBX has been put: that page is the one of the sample before.
 */
#define JMP_RBX      "0xe3ff"
#define FETCH_BEFORE "lea 2f(%%rip), %%rbx\n\tlea scratch(%%rip), %%rax\n\t" NEXT_PAGE

__attribute__((used)) static uint8_t scratch;

ROW_FUNCTION(fetch_control, FETCH_BEFORE, "2: movw $" JMP_RBX ", " PLAIN_BEFORE "(%%rdi)")
ROW_FUNCTION(fetch_op, FETCH_BEFORE "\n\tlea " DEMAND_BEFORE "+0xffe(%%rdi), %%rsi",
             "jmp *%%rsi\n\t2: movw $" JMP_RBX ", " DEMAND_BEFORE "(%%rdi)")

/* The page behind the first sample's is touched in either phase, outside of the samples. */
static void put_jump(uint64_t count)
{
    *(volatile uint16_t *)(GUEST_DEMAND_BASE + count * 4096) = 0xe3ff;
}

static void ept_touch_fetch_control(struct sample *samples, uint64_t count)
{
    put_jump(count);
    fetch_control(samples, count);
}

static void ept_touch_fetch_op(struct sample *samples, uint64_t count)
{
    put_jump(count);
    fetch_op(samples, count);
}

/* Large pages, likewise; what the control reads is mapped. */
#define NEXT_LARGE(before)                                     \
    "mov %[count], %%rdi\n\tshl $21, %%rdi\n\tmovabs $" before \
    ", %%rax\n\tadd %%rax, %%rdi\n\tlea scratch(%%rip), %%rsi"
#define BEFORE_2M "0xffe00000"
#define BEFORE_1G "0x1ffe00000"
_Static_assert(0xffe00000 == GUEST_2M_BASE - 0x200000, "the count of samples left starts at 1");
_Static_assert(0x1ffe00000 == GUEST_1G_WINDOW - 0x200000, "here too");

ROW_FUNCTION(ept_touch_2m_control, NEXT_LARGE(BEFORE_2M), "mov (%%rsi), %%al")
ROW_FUNCTION(ept_touch_2m_op, NEXT_LARGE(BEFORE_2M), "mov (%%rdi), %%al")
ROW_FUNCTION(ept_touch_1g_control, NEXT_LARGE(BEFORE_1G), "mov (%%rsi), %%al")
ROW_FUNCTION(ept_touch_1g_op, NEXT_LARGE(BEFORE_1G), "mov (%%rdi), %%al")

ROW_FUNCTION(ept_dirty_log_control, NEXT_PAGE, "mov %%al, scratch")
ROW_FUNCTION(ept_dirty_log_op, NEXT_PAGE, "mov %%al, " PLAIN_BEFORE "(%%rdi)")
_Static_assert(0x17ff000 == GUEST_LOGGED_BASE - 0x1000, "what is logged");

ROW_CODE(mmio_read, "mov $" DEVICE ", %%edi", "mov (%%rdi), %%eax")
ROW_CODE(mmio_read_trapped, "mov $" TRAPPED ", %%edi", "mov (%%rdi), %%eax")
ROW_CODE(mmio_write, "mov $" DEVICE ", %%edi", "mov %%eax, (%%rdi)")

_Static_assert((GUEST_DEMAND_PAGES + 1) * 4096 < GUEST_MEMORY_SIZE, "the control stays in memory");

ROWS = {
    {
        .name = "ept_first_touch",
        CODE_ONCE(ept_first_touch),
        .description = "read of a 4 KiB page for the first time, which maps it",
        .instruction = "MOV AL, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND,
    },
    {
        .name = "ept_first_touch/2m",
        CODE_ONCE(ept_touch_2m),
        .description =
            "read of a page of 2 MiB for the first time, which maps it and zeroes nothing",
        .instruction = "MOV AL, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND_2M,
    },
    {
        .name = "ept_first_touch/1g",
        CODE_ONCE(ept_touch_1g),
        .description =
            "read of a page of 1 GiB for the first time, which maps it and zeroes nothing",
        .instruction = "MOV AL, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND_1G,
    },
    {
        .name = "ept_touch_write",
        CODE_ONCE(ept_touch_write),
        .description = "write to a 4 KiB page for the first time, which maps it",
        .instruction = "MOV [RDI], AL",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND,
    },
    {
        .name = "ept_touch_fetch",
        CODE_ONCE(ept_touch_fetch),
        .description = "fetch of an instruction from a 4 KiB page for the first time",
        .instruction = "JMP RSI",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_DEMAND,
    },
    {
        .name = "ept_dirty_log",
        CODE_ONCE(ept_dirty_log),
        .description =
            "write to a page that is write-protected, which notes it and lets it be written",
        .instruction = "MOV [RDI], AL",
        .exits = {ALWAYS(EPT_VIOLATION)},
        .flags = ROW_LOGGED,
    },
    {
        .name = "mmio_read",
        CODE(mmio_read),
        .description = "read of a device's register of 4 bytes",
        .instruction = "MOV EAX, [RDI]",
        .exits = {ALWAYS(EPT_VIOLATION)},
    },
    {
        .name = "mmio_read/misconfiguration",
        CODE(mmio_read_trapped),
        .description = "the same by an EPT entry that is reserved, as KVM marks its devices' pages",
        .instruction = "MOV EAX, [RDI]",
        .exits = {ALWAYS(EPT_MISCONFIGURATION)},
    },
    {
        .name = "mmio_write",
        CODE(mmio_write),
        .description = "write of a device's register of 4 bytes",
        .instruction = "MOV [RDI], EAX",
        .exits = {ALWAYS(EPT_VIOLATION)},
    },
};
