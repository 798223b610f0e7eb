/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "apic.h"

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xa1

void cpu_start_other(struct cpu *cpu)
{
    cpu->self = cpu;
    exception_start(&cpu->tables, cpu);
    apic_start();
    cpu->apic_id = apic_id();
}

static uint8_t firmware_masks[2];

void cpu_restore_lines(void)
{
    x86_out8(PIC_MASTER_MASK, firmware_masks[0]);
    x86_out8(PIC_SLAVE_MASK, firmware_masks[1]);
}

void cpu_start(void)
{
    static struct cpu cpu;

    firmware_masks[0] = x86_in8(PIC_MASTER_MASK);
    firmware_masks[1] = x86_in8(PIC_SLAVE_MASK);
    x86_out8(PIC_MASTER_MASK, 0xff);
    x86_out8(PIC_SLAVE_MASK, 0xff);
    cpu_start_other(&cpu);
}

struct probe_cpu *cpu_probes(void)
{
    return &cpu_this()->probes;
}

/* An NMI's VM exit leaves NMIs blocked, as its delivery would have, until an IRET. */
bool platform_nmi(void)
{
    uint64_t scratch;

    __asm__ volatile("mov %%ss, %k0; push %0; lea 8(%%rsp), %0; push %0; pushf;"
                     "mov %%cs, %k0; push %0; lea 1f(%%rip), %0; push %0; iretq; 1:"
                     : "=&r"(scratch)
                     :
                     : "memory", "cc");
    return false;
}

bool platform_nmi_waits(void)
{
    return exception_nmi_taken();
}

uint32_t platform_cpu_number(void)
{
    return ((__seg_gs struct cpu *)0)->number;
}
