/* SPDX-License-Identifier: MIT */
#include "host_state.h"

#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "vmcs.h"

/* Selectors in the host-state area have RPL and TI clear (SDM Vol. 3C 27.2.3). */
#define SELECTOR_MASK 0xfff8u

/* Base of the 16-byte TSS descriptor (SDM Vol. 3A 8.2.3) that selector names in the GDT. */
static uint64_t task_state_base(uint64_t gdt_base, uint16_t selector)
{
    const uint8_t *d = (const uint8_t *)(uintptr_t)(gdt_base + (selector & SELECTOR_MASK));
    uint64_t upper = 0;

    for (int i = 3; i >= 0; i--)
        upper = upper << 8 | d[8 + i];
    return (uint64_t)d[2] | (uint64_t)d[3] << 8 | (uint64_t)d[4] << 16 | (uint64_t)d[7] << 24 |
           upper << 32;
}

bool host_state_write(uint32_t *first_failure)
{
    struct descriptor_table_register gdtr = x86_read_gdtr();
    const struct {
        enum vmcs_field field;
        uint64_t value;
    } state[] = {
        {VMCS_HOST_CR0, x86_read_cr0()},
        {VMCS_HOST_CR3, x86_read_cr3()},
        {VMCS_HOST_CR4, x86_read_cr4()},
        {VMCS_HOST_CS_SELECTOR, x86_read_cs() & SELECTOR_MASK},
        {VMCS_HOST_SS_SELECTOR, x86_read_ss() & SELECTOR_MASK},
        {VMCS_HOST_DS_SELECTOR, x86_read_ds() & SELECTOR_MASK},
        {VMCS_HOST_ES_SELECTOR, x86_read_es() & SELECTOR_MASK},
        {VMCS_HOST_FS_SELECTOR, x86_read_fs() & SELECTOR_MASK},
        {VMCS_HOST_GS_SELECTOR, x86_read_gs() & SELECTOR_MASK},
        {VMCS_HOST_TR_SELECTOR, x86_read_tr() & SELECTOR_MASK},
        {VMCS_HOST_FS_BASE, x86_rdmsr(IA32_FS_BASE)},
        {VMCS_HOST_GS_BASE, x86_rdmsr(IA32_GS_BASE)},
        {VMCS_HOST_TR_BASE, task_state_base(gdtr.base, x86_read_tr())},
        {VMCS_HOST_GDTR_BASE, gdtr.base},
        {VMCS_HOST_IDTR_BASE, x86_read_idtr().base},
        {VMCS_HOST_SYSENTER_CS, 0}, /* the host never executes SYSENTER */
        {VMCS_HOST_SYSENTER_ESP, 0},
        {VMCS_HOST_SYSENTER_EIP, 0},
        {VMCS_HOST_PAT, x86_rdmsr(IA32_PAT)},
        {VMCS_HOST_EFER, x86_rdmsr(IA32_EFER)},
    };
    bool done = true;

    for (unsigned i = 0; i < sizeof(state) / sizeof(state[0]); i++)
        done &= vmcs_write(state[i].field, state[i].value, first_failure);
    return done;
}
