/* SPDX-License-Identifier: MIT */
#include "image.h"

#include "layout.h"

#include <string.h>

#define VECTORS         256
#define EXCEPTIONS      32
#define WITH_ERROR_CODE 0x60227d00u /* vectors 8, 10-14, 17, 21, 29, 30: SDM Vol. 3A table 6-1 */
#define PAGE_1G         0x83u
#define TABLE           0x03u
#define GATE            0x8eu

/*
 * Handlers that go on two bytes behind what was interrupted, so that a storm is not over with its
 * first fault. Behind the PUSH is the entry of vectors with an error code.
 */
static const uint8_t long_handler[] = {
    0x6a, 0x00,                         /* push 0 */
    0x48, 0x83, 0x44, 0x24, 0x08, 0x02, /* addq $2, 8(%rsp) */
    0x48, 0x83, 0xc4, 0x08,             /* add $8, %rsp */
    0x48, 0xcf,                         /* iretq */
};
static const uint8_t protected_handler[] = {
    0x6a, 0x00,                   /* push 0 */
    0x83, 0x44, 0x24, 0x04, 0x02, /* addl $2, 4(%esp) */
    0x83, 0xc4, 0x04,             /* add $4, %esp */
    0xcf,                         /* iret */
};
static const uint8_t real_handler[] = {
    0x55, 0x89, 0xe5,       /* push %bp; mov %sp, %bp */
    0x83, 0x46, 0x02, 0x02, /* addw $2, 2(%bp) */
    0x5d, 0xcf,             /* pop %bp; iret */
};

static uint32_t entry_of(unsigned vector)
{
    return GUEST_HANDLERS + (vector < EXCEPTIONS && WITH_ERROR_CODE >> vector & 1 ? 2 : 0);
}

static void make_long(uint8_t *memory)
{
    uint64_t *tables = (uint64_t *)(memory + GUEST_TABLES);
    uint64_t *gates = (uint64_t *)(memory + GUEST_IDT);
    uint64_t *gdt = (uint64_t *)(memory + GUEST_GDT);

    tables[0] = (GUEST_TABLES + PAGE_SIZE) | TABLE;
    for (uint64_t i = 0; i < 4; i++)
        tables[512 + i] = i << 30 | PAGE_1G;
    for (unsigned i = 0; i < VECTORS; i++)
        gates[2 * i] = entry_of(i) | 0x08u << 16 | (uint64_t)GATE << 40;
    gdt[1] = 0x00af9b000000ffff;
    gdt[2] = 0x00cf93000000ffff;
    memcpy(memory + GUEST_HANDLERS, long_handler, sizeof(long_handler));
}

static void make_protected(uint8_t *memory)
{
    uint64_t *gates = (uint64_t *)(memory + GUEST_IDT);
    uint64_t *gdt = (uint64_t *)(memory + GUEST_GDT);

    for (unsigned i = 0; i < VECTORS; i++)
        gates[i] = entry_of(i) | 0x08u << 16 | (uint64_t)GATE << 40;
    gdt[1] = 0x00cf9b000000ffff;
    gdt[2] = 0x00cf93000000ffff;
    memcpy(memory + GUEST_HANDLERS, protected_handler, sizeof(protected_handler));
}

static void make_real(uint8_t *memory)
{
    uint32_t *vectors = (uint32_t *)memory;

    for (unsigned i = 0; i < VECTORS; i++)
        vectors[i] = GUEST_HANDLERS;
    memcpy(memory + GUEST_HANDLERS, real_handler, sizeof(real_handler));
}

void image_make(enum vcpu_mode mode, uint8_t *memory)
{
    static void (*const make[VCPU_MODES])(uint8_t *) = {
        [VCPU_LONG] = make_long, [VCPU_PROTECTED] = make_protected, [VCPU_REAL] = make_real};
    uint64_t *gdt = (uint64_t *)(memory + GUEST_GDT);

    memset(memory, 0, GUEST_BYTES);
    make[mode](memory);
    gdt[3] = 0x0000890000000067 | GUEST_TSS << 16; /* a TSS and an LDT, in lower halves */
    gdt[5] = 0x000082000000000f | GUEST_TSS << 16;
    for (uint32_t at = GUEST_DATA; at < GUEST_BYTES; at++)
        memory[at] = (uint8_t)(at ^ at >> 8);
}
