/* SPDX-License-Identifier: MIT */
#include "capture.h"

#include "../blob.h"

#define CODE_SELECTOR 8u
#define STUB_BYTES    32u

struct __attribute__((packed)) table_register {
    uint16_t limit;
    uint64_t base;
};

volatile struct capture capture;
volatile uint64_t capture_resume, capture_at;

static uint64_t idt[2 * CAPTURE_VECTORS];
static struct table_register blobs_own;

extern const char capture_stubs[];

/* Vectors with an error code as in start.S; RFLAGS.TF and IF are cleared on the way back. */
__asm__(".text\n"
        ".balign 32\n"
        "capture_stubs:\n"
        ".set vector, 0\n"
        ".rept 96\n"
        ".balign 32\n"
        ".set code, 0\n"
        ".if vector < 32\n"
        ".set code, (0x60227d00 >> vector) & 1\n"
        ".endif\n"
        ".if code == 0\n"
        "push $0\n"
        ".endif\n"
        "movq $vector, capture\n"
        "jmp capture_common\n"
        ".set vector, vector + 1\n"
        ".endr\n"
        "capture_common:\n"
        "pop capture+8\n"
        "push %rax\n"
        "mov 8(%rsp), %rax; mov %rax, capture+16\n"
        "mov 24(%rsp), %rax; mov %rax, capture+24\n"
        "mov 32(%rsp), %rax; mov %rax, capture+32\n"
        "incq capture+40\n"
        "mov capture_resume, %rax; test %rax, %rax; jz 1f\n"
        "mov %rax, 8(%rsp)\n"
        "1: andq $~0x300, 24(%rsp)\n"
        "pop %rax\n"
        "iretq\n");

void capture_gate(uint32_t vector, uint32_t type)
{
    uint64_t at = (uint64_t)capture_stubs + STUB_BYTES * vector; /* below 4 GiB */
    idt[2 * vector] =
        (at & 0xffff) | CODE_SELECTOR << 16 | (uint64_t)type << 32 | (at >> 16 & 0xffff) << 48;
    idt[2 * vector + 1] = 0;
}

void capture_start(void)
{
    struct table_register mine = {sizeof(idt) - 1, (uint64_t)idt};

    for (uint32_t vector = 0; vector < CAPTURE_VECTORS; vector++)
        capture_gate(vector, GATE_PRESENT);
    __asm__ volatile("sidt %0; lidt %1" : "=m"(blobs_own) : "m"(mine));
}

void capture_end(void)
{
    __asm__ volatile("lidt %0" : : "m"(blobs_own));
}
