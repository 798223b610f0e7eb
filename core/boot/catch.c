/* SPDX-License-Identifier: MIT */
/*
 * Taking an external interrupt for a guest, whatever its vector: a PIC as firmware leaves it has
 * those of exceptions. So for a few instructions, none of which faults, another IDT is in force.
 */
#include "../platform.h"
#include "../x86/instructions.h"
#include "exception.h"

#define ENTRY_SIZE 16u /* of catch.S */
#define VECTOR_NMI 2

extern const char catch_entries[];

static struct idt_gate table[IDT_VECTORS];

int platform_take_interrupt(void)
{
    const struct descriptor_table_register catching = {sizeof(table) - 1, (uint64_t)table};
    struct descriptor_table_register usual;
    int vector = -1;

    if (!table[0].selector)
        idt_fill(table, catch_entries, ENTRY_SIZE);
    __asm__ volatile("sidt %0" : "=m"(usual));
    __asm__ volatile("lidt %1; sti; nop; nop; cli; lidt %2"
                     : "+b"(vector)
                     : "m"(catching), "m"(usual)
                     : "memory", "cc");
    if (vector != VECTOR_NMI)
        return vector;
    exception_note_nmi();
    return -1;
}
