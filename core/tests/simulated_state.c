/* SPDX-License-Identifier: MIT */
/* Control registers, selectors, the time-stamp counter and ports of the simulated CPU. */
#include "simulated_cpu.h"

#include "../x86/control_registers.h"
#include "../x86/msr.h"

uint64_t x86_rdtsc(void)
{
    return simulated_cpu.tsc++;
}

#define READ(type, name, member)     \
    type x86_read_##name(void)       \
    {                                \
        return simulated_cpu.member; \
    }
READ(uint64_t, cr0, cr0)
READ(uint64_t, cr2, cr2)
READ(uint64_t, cr3, cr3)
READ(uint64_t, cr4, cr4)
READ(uint64_t, cr8, cr8)
READ(uint16_t, tr, tr)
READ(uint16_t, cs, cs)
READ(uint16_t, ss, ss)
READ(uint16_t, ds, ds)
READ(uint16_t, es, es)
READ(uint16_t, fs, fs)
READ(uint16_t, gs, gs)
READ(struct descriptor_table_register, gdtr, gdtr)
READ(struct descriptor_table_register, idtr, idtr)

void x86_write_cr0(uint64_t value)
{
    simulated_cpu.cr0 = value;
}

void x86_write_cr2(uint64_t value)
{
    simulated_cpu.cr2 = value;
}

void x86_write_cr3(uint64_t value)
{
    simulated_cpu.cr3 = value;
}

void x86_write_cr8(uint64_t value)
{
    if (value & ~0xfull)
        simulated_fault("MOV to CR8 raised #GP");
    simulated_cpu.cr8 = value;
}

void x86_write_cr4(uint64_t value)
{
    if (simulated_cpu.vmx_operation && !(value & CR4_VMXE))
        simulated_fault("CR4.VMXE cleared in VMX operation");
    if (value & ~simulated_msr(IA32_VMX_CR4_FIXED1)->value & ~CR4_VMXE)
        simulated_fault("CR4 bits set that this CPU lacks");
    simulated_cpu.cr4 = value;
}

static void log_access(uint16_t port, uint8_t bytes, bool write, uint32_t value)
{
    struct simulated_cpu *cpu = &simulated_cpu;
    if (cpu->port_accesses < SIMULATED_PORT_LOG)
        cpu->port_log[cpu->port_accesses] =
            (struct simulated_port_access){port, bytes, write, value};
    cpu->port_accesses++;
}

#define PORT(bits)                                                         \
    uint##bits##_t x86_in##bits(uint16_t port)                             \
    {                                                                      \
        uint##bits##_t v = (uint##bits##_t)simulated_cpu.port_value[port]; \
        log_access(port, bits / 8, false, v);                              \
        return v;                                                          \
    }                                                                      \
    void x86_out##bits(uint16_t port, uint##bits##_t value)                \
    {                                                                      \
        log_access(port, bits / 8, true, value);                           \
    }
PORT(8)
PORT(16)
PORT(32)

uint64_t x86_interrupts_off(void)
{
    uint64_t flags = RFLAGS_FIXED | (simulated_cpu.interrupts ? RFLAGS_IF : 0);
    simulated_cpu.interrupts = false;
    return flags;
}

void x86_interrupts_restore(uint64_t flags)
{
    simulated_cpu.interrupts = flags & RFLAGS_IF;
}
