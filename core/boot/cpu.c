/* SPDX-License-Identifier: MIT */
#include "cpu.h"

#include "../platform.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "exception.h"

#define PIC_MASTER_MASK 0x21
#define PIC_SLAVE_MASK  0xa1

static struct probe_cpu probes;

void cpu_start(void)
{
    exception_start(&probes);
    x86_out8(PIC_MASTER_MASK, 0xff);
    x86_out8(PIC_SLAVE_MASK, 0xff);
    /* Passing the x2APIC through to a guest needs the real one to be in that mode. */
    if (x86_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC)
        x86_wrmsr(IA32_APIC_BASE, x86_rdmsr(IA32_APIC_BASE) | APIC_BASE_ENABLE | APIC_BASE_X2APIC);
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
