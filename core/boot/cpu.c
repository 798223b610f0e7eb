/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "apic.h"
#include "exception.h"

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xa1

static struct probe_cpu probes;

void cpu_start(void)
{
    exception_start(&probes);
    x86_out8(PIC_MASTER_MASK, 0xff);
    x86_out8(PIC_SLAVE_MASK, 0xff);
    apic_start();
}

struct probe_cpu *cpu_probes(void)
{
    return &probes;
}

/* The host asks for no interrupts. */
bool platform_interrupt(uint8_t vector)
{
    (void)vector;
    return false;
}

uint32_t platform_cpu_number(void)
{
    return 0;
}
