/* SPDX-License-Identifier: MIT */
/*
 * Rows that do not come back, for whoever runs a blob as the guest of another's monitor: one that
 * an NMI reaches, one that it does not, one that has the machine reset; and one that is as it
 * should be.
 */
#include "../blob/idt.h"
#include "../blob/row.h"

#define VECTOR_NMI 2u

ROW_CODE(sound, "", "nop")
ROW_CODE(spins, "", "jmp .")

/* In the handler of an NMI, in which there is no other. */
__attribute__((naked)) static void for_ever(void)
{
    __asm__ volatile("1: pause; jmp 1b");
}

static uint64_t idt[2 * IDT_EXCEPTIONS];

/* An NMI to oneself by the local APIC, in whatever mode it is. */
static void nmi_to_oneself(void)
{
    const struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};
    struct table_register old;
    uint32_t low, high;

    idt_copy(idt, &old);
    idt_set(idt, VECTOR_NMI, for_ever);
    idt_load(&mine);
    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(0x1b));
    if (low & 0x400) {
        __asm__ volatile("wrmsr" : : "c"(0x830), "a"(0x44400), "d"(0));
    } else {
        /* The APIC's page takes the place of the first on demand. */
        volatile uint64_t *entry =
            (volatile uint64_t *)(GUEST_PAGE_TABLES + 8192 + 8 * (GUEST_DEMAND_BASE / 0x200000));
        *entry = 0xfee00093;
        __asm__ volatile("invlpg (%0)" : : "r"(GUEST_DEMAND_BASE) : "memory");
        *(volatile uint32_t *)(GUEST_DEMAND_BASE + 0x300) = 0x44400;
    }
}

static void blocked(struct sample *samples, uint64_t count)
{
    (void)samples;
    (void)count;
    nmi_to_oneself();
    for (;;)
        __asm__ volatile("pause");
}

/* An exception without an IDT is a triple fault. */
static void resets(struct sample *samples, uint64_t count)
{
    const struct table_register none = {0, 0};

    (void)samples;
    (void)count;
    idt_load(&none);
    __asm__ volatile("ud2");
}

ROWS = {
    {.name = "sound/1", CODE(sound), .description = "comes back", .instruction = "NOP"},
    {.name = "spins", CODE(spins), .description = "stays, NMIs let in", .instruction = "JMP"},
    {.name = "blocked",
     .op = blocked,
     .control = blocked,
     .description = "stays, NMIs blocked",
     .instruction = "JMP"},
    {.name = "resets",
     .op = resets,
     .control = resets,
     .description = "triple fault",
     .instruction = "UD2"},
    {.name = "sound/2", CODE(sound), .description = "comes back", .instruction = "NOP"},
};
