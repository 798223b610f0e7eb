/* SPDX-License-Identifier: MIT */
/*
 * Descriptor-table registers: stored to memory, and loaded as they are. LTR, which takes a task
 * that is not busy and marks it so, has a GDT of its own.
 */
#include "row.h"

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

#define TASK 0x18 /* selector */

static __attribute__((used)) struct table_register kept_gdtr, kept_idtr, stored;
static uint64_t task_state[13]; /* 104 bytes */
static __attribute__((used, aligned(8))) uint64_t task_gdt[5];

static void keep(void)
{
    __asm__ volatile("sgdt %0\n\tsidt %1" : "=m"(kept_gdtr), "=m"(kept_idtr));
}

/* The blob's three descriptors, and that of an available 64-bit TSS. */
static void load_task_gdt(void)
{
    const struct table_register with_task = {sizeof(task_gdt) - 1, (uint64_t)task_gdt};
    uint64_t base = (uint64_t)task_state;

    keep();
    for (unsigned i = 0; i < 3; i++)
        task_gdt[i] = ((const uint64_t *)kept_gdtr.base)[i];
    task_gdt[3] = 0x890000000067 | (base & 0xffffff) << 16 | (base >> 24 & 0xff) << 56;
    task_gdt[4] = base >> 32;
    __asm__ volatile("lgdt %0" : : "m"(with_task));
}

static void load_kept_gdt(void)
{
    __asm__ volatile("lgdt %0" : : "m"(kept_gdtr));
}

#define TO_MEMORY "mov $stored, %%edi"
#define AVAILABLE "andb $0xfd, 29+task_gdt\n\tmov $0x18, %%eax"
_Static_assert(TASK == 0x18 && 29 == TASK + 5, "the byte of the type");

ROW_CODE(sgdt, TO_MEMORY, "sgdt (%%rdi)")
ROW_CODE(sidt, TO_MEMORY, "sidt (%%rdi)")
ROW_CODE(sldt, TO_MEMORY, "sldt (%%rdi)")
ROW_CODE(str, TO_MEMORY, "str (%%rdi)")
ROW_CODE(sldt_register, "", "sldt %%eax")
ROW_CODE(str_register, "", "str %%eax")
ROW_CODE(lgdt, "mov $kept_gdtr, %%edi", "lgdt (%%rdi)")
ROW_CODE(lidt, "mov $kept_idtr, %%edi", "lidt (%%rdi)")
ROW_CODE(lldt, "xor %%eax, %%eax", "lldt %%ax")
ROW_CODE(ltr, AVAILABLE, "ltr %%ax")

#define TABLE(called, id, mnemonic, by, text, ...)                                         \
    {                                                                                      \
        .name = called, CODE(id), .description = text, .instruction = mnemonic,            \
        .exits = {IF_CONTROL(by, SECONDARY_CONTROL_DESCRIPTOR_TABLE_EXITING)}, __VA_ARGS__ \
    }

ROWS = {
    TABLE("sgdt", sgdt, "SGDT [RDI]", GDTR_OR_IDTR, "GDTR stored to memory"),
    TABLE("sidt", sidt, "SIDT [RDI]", GDTR_OR_IDTR, "IDTR stored to memory"),
    TABLE("lgdt", lgdt, "LGDT [RDI]", GDTR_OR_IDTR, "GDTR loaded as it is", .setup = keep),
    TABLE("lidt", lidt, "LIDT [RDI]", GDTR_OR_IDTR, "IDTR loaded as it is", .setup = keep),
    TABLE("sldt", sldt, "SLDT [RDI]", LDTR_OR_TR, "LDTR stored to memory"),
    TABLE("str", str, "STR [RDI]", LDTR_OR_TR, "TR stored to memory"),
    TABLE("sldt/register", sldt_register, "SLDT EAX", LDTR_OR_TR, "LDTR stored to a register"),
    TABLE("str/register", str_register, "STR EAX", LDTR_OR_TR, "TR stored to a register"),
    TABLE("lldt", lldt, "LLDT AX", LDTR_OR_TR, "LDTR loaded with the null selector"),
    TABLE("ltr", ltr, "LTR AX", LDTR_OR_TR, "TR loaded with a task that is not busy",
          .setup = load_task_gdt, .teardown = load_kept_gdt),
};
