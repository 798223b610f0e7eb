/* SPDX-License-Identifier: MIT */
/*
 * An entry that injects an event against one that does not: the same hypercall either way, so the
 * exit is in the control too. The time is what the monitor does for it, the delivery, and IRET.
 */
#include "row.h"

#define INTERRUPT_VECTOR 0x50
#define INFORMATION_NONE "0"
#define INFORMATION_0x50 "0x80000050" /* external interrupt 0x50 */
#define INFORMATION_UD   "0x80000306" /* hardware exception #UD ... */
#define INFORMATION_GP   "0x8000030d" /* ... and #GP, which has an error code */

_Static_assert(HYPERCALL_INJECT == 16, "as the assembler reads it");
#define CALL(information) "mov $16, %%eax\n\txor %%ecx, %%ecx\n\tmov $" information ", %%edi"

#define INJECT_CODE(id, information)                             \
    ROW_FUNCTION(id##_control, CALL(INFORMATION_NONE), "vmcall") \
    ROW_FUNCTION(id##_op, CALL(information), "vmcall")           \
    ROW_FUNCTION(id##_twice, CALL(information), "vmcall\n\t" CALL(information) "\n\tvmcall")

INJECT_CODE(inject_interrupt, INFORMATION_0x50)
INJECT_CODE(inject_exception, INFORMATION_UD)
INJECT_CODE(inject_error_code, INFORMATION_GP)

/* Handlers, as short as they can be, in a table of their own. */
__attribute__((naked)) static void returns(void)
{
    __asm__ volatile("iretq");
}

__attribute__((naked)) static void drops_error_code(void)
{
    __asm__ volatile("add $8, %rsp; iretq");
}

#define GATES_IN_USE   (INTERRUPT_VECTOR + 1)
#define CODE_SELECTOR  8u
#define INTERRUPT_GATE 0x8e00u

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

static uint64_t idt[2 * GATES_IN_USE];
static struct table_register before;

static void set_gate(unsigned vector, void (*handler)(void))
{
    uint64_t at = (uint64_t)handler; /* below 4 GiB, as all of the blob */
    idt[2 * vector] = (at & 0xffff) | CODE_SELECTOR << 16 | (uint64_t)INTERRUPT_GATE << 32 |
                      (at >> 16 & 0xffff) << 48;
}

/* The blob's own exceptions but for those that are injected. */
static void load(void)
{
    __asm__ volatile("sidt %0" : "=m"(before));
    for (unsigned i = 0; i < 64; i++)
        idt[i] = ((const uint64_t *)before.base)[i];
    set_gate(6, returns);
    set_gate(13, drops_error_code);
    set_gate(INTERRUPT_VECTOR, returns);
    struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};
    __asm__ volatile("lidt %0" : : "m"(mine));
}

static void unload(void)
{
    __asm__ volatile("lidt %0" : : "m"(before));
}

static void load_and_open(void)
{
    load();
    __asm__ volatile("sti");
}

static void close_and_unload(void)
{
    __asm__ volatile("cli");
    unload();
}

ROWS = {
    {
        .name = "inject/interrupt",
        CODE(inject_interrupt),
        .description = "an entry that injects an interrupt, over one that does not",
        .instruction = "VMCALL",
        .setup = load_and_open,
        .teardown = close_and_unload,
        .requires = ROW_REQUIRES_HYPERCALLS,
    },
    {
        .name = "inject/exception",
        CODE(inject_exception),
        .description = "an entry that injects #UD, over one that does not",
        .instruction = "VMCALL",
        .setup = load,
        .teardown = unload,
        .requires = ROW_REQUIRES_HYPERCALLS,
    },
    {
        .name = "inject/error_code",
        CODE(inject_error_code),
        .description = "an entry that injects #GP with an error code, over one that does not",
        .instruction = "VMCALL",
        .setup = load,
        .teardown = unload,
        .requires = ROW_REQUIRES_HYPERCALLS,
    },
};
