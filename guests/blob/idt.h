/* SPDX-License-Identifier: MIT */
/* Gates of a row's own IDT: the blob's 32 exceptions, and handlers of the row's. */
#ifndef EXITMETER_GUESTS_BLOB_IDT_H
#define EXITMETER_GUESTS_BLOB_IDT_H

#include <stdint.h>

#define IDT_EXCEPTIONS     32u
#define IDT_CODE_SELECTOR  8u
#define IDT_INTERRUPT_GATE 0x8e00u

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

static inline void idt_set(uint64_t *idt, uint32_t vector, void (*handler)(void))
{
    uint64_t at = (uint64_t)handler; /* below 4 GiB, as all of the blob */
    idt[2 * vector] = (at & 0xffff) | IDT_CODE_SELECTOR << 16 | (uint64_t)IDT_INTERRUPT_GATE << 32 |
                      (at >> 16 & 0xffff) << 48;
    idt[2 * vector + 1] = 0;
}

/* Copies the exceptions of the IDT in force, which *old tells of then, into idt. */
static inline void idt_copy(uint64_t *idt, struct table_register *old)
{
    __asm__ volatile("sidt %0" : "=m"(*old));
    for (uint32_t i = 0; i < 2 * IDT_EXCEPTIONS; i++)
        idt[i] = ((const uint64_t *)old->base)[i];
}

static inline void idt_load(const struct table_register *table)
{
    __asm__ volatile("lidt %0" : : "m"(*table));
}

#endif
