/* SPDX-License-Identifier: MIT */
/*
 * Taking an external interrupt for a guest, whatever its vector: a PIC as firmware leaves it has
 * those of exceptions. So for a few instructions, none of which faults, another IDT is in force.
 */
#include "../platform.h"
#include "../x86/instructions.h"
#include "exception.h"

#define ENTRY_SIZE 16u /* of catch.S */
#define VECTOR_MC  18u

extern const char catch_entries[];

static struct idt_gate table[IDT_VECTORS];

int platform_take_interrupt(void)
{
    const struct descriptor_table_register catching = {sizeof(table) - 1, (uint64_t)table};
    struct descriptor_table_register usual;
    int vector = -1, nmi = 0;

    __asm__ volatile("sidt %0" : "=m"(usual));
    if (!table[0].selector) {
        idt_fill(table, catch_entries, ENTRY_SIZE);
        /* No controller has that vector, and a machine check does not choose its moment. */
        table[VECTOR_MC] = ((const struct idt_gate *)usual.base)[VECTOR_MC];
    }
    __asm__ volatile("lidt %[catching]; sti; nop; nop; cli; lidt %[usual]"
                     : "+b"(vector), "+c"(nmi)
                     : [catching] "m"(catching), [usual] "m"(usual)
                     : "memory", "cc");
    if (nmi)
        exception_note_nmi();
    return vector;
}
