/* SPDX-License-Identifier: MIT */
/* The guest-state area for a guest that starts in 64-bit mode (SDM Vol. 3C 25.4, checks 27.3.1). */
#include "../x86/control_registers.h"
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "extended_state.h"
#include "vcpu.h"

/* Access rights, SDM Vol. 3C table 25-2. */
#define RIGHTS_CODE_64  0xa09bu /* accessed execute/read code, present, L, 4 KiB granularity */
#define RIGHTS_DATA     0xc093u /* accessed read/write data, present, B, 4 KiB granularity */
#define RIGHTS_TSS_64   0x008bu /* busy 64-bit TSS, present */
#define RIGHTS_UNUSABLE 0x10000u

#define SELECTOR_CODE 0x08u
#define SELECTOR_DATA 0x10u

/* Memory types of IA32_PAT after RESET: WB, WT, UC-, UC, twice. */
#define PAT_RESET 0x0007040600070406ull

#define NO_LINK UINT64_MAX /* VMCS link pointer */

static void write_segment(int index, uint16_t selector, uint32_t limit, uint32_t rights,
                          uint32_t *failure)
{
    /* The fields of one kind are two apart, in the order ES CS SS DS FS GS LDTR TR. */
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_SELECTOR + 2 * index), selector, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_BASE + 2 * index), 0, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_LIMIT + 2 * index), limit, failure);
    vmcs_write((enum vmcs_field)(VMCS_GUEST_ES_ACCESS_RIGHTS + 2 * index), rights, failure);
}

bool vcpu_start_long_mode(struct vcpu *vcpu, const struct vcpu_start *start)
{
    uint32_t failure = VMCS_NO_FIELD;
    uint64_t cr0_fixed = x86_rdmsr(IA32_VMX_CR0_FIXED0);
    uint64_t cr4_fixed = x86_rdmsr(IA32_VMX_CR4_FIXED0);

    /* An unrestricted guest may clear these two, and then without a VM exit. */
    if (vcpu->controls[CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST)
        cr0_fixed &= ~(CR0_PE | CR0_PG);

    for (int i = 0; i < 6; i++)
        write_segment(i, i == 1 ? SELECTOR_CODE : SELECTOR_DATA, UINT32_MAX,
                      i == 1 ? RIGHTS_CODE_64 : RIGHTS_DATA, &failure);
    write_segment(6, 0, 0, RIGHTS_UNUSABLE, &failure);
    write_segment(7, 0, 0x67, RIGHTS_TSS_64, &failure);

    const struct {
        enum vmcs_field field;
        uint64_t value;
    } state[] = {
        {VMCS_GUEST_CR0, CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG | cr0_fixed},
        {VMCS_CR0_MASK, cr0_fixed | CR0_CD | CR0_NW}, /* exits/control_register.h says why */
        {VMCS_CR0_SHADOW, CR0_PE | CR0_ET | CR0_NE | CR0_WP | CR0_PG},
        {VMCS_GUEST_CR3, start->cr3},
        {VMCS_GUEST_CR4, CR4_PAE | cr4_fixed},
        {VMCS_CR4_MASK,
         cr4_fixed | CR4_SMXE}, /* VMXE: set for the CPU, clear to the guest's eyes */
        {VMCS_CR4_SHADOW, CR4_PAE},
        {VMCS_GUEST_EFER, EFER_LME | EFER_LMA},
        {VMCS_GUEST_PAT, PAT_RESET},
        {VMCS_GUEST_DEBUGCTL, 0},
        {VMCS_GUEST_DR7, 0x400},
        {VMCS_GUEST_GDTR_BASE, 0},
        {VMCS_GUEST_GDTR_LIMIT, 0},
        {VMCS_GUEST_IDTR_BASE, 0},
        {VMCS_GUEST_IDTR_LIMIT, 0},
        {VMCS_GUEST_SYSENTER_CS, 0},
        {VMCS_GUEST_SYSENTER_ESP, 0},
        {VMCS_GUEST_SYSENTER_EIP, 0},
        {VMCS_GUEST_RSP, start->rsp},
        {VMCS_GUEST_RIP, start->rip},
        {VMCS_GUEST_RFLAGS, RFLAGS_FIXED},
        {VMCS_GUEST_INTERRUPTIBILITY, 0},
        {VMCS_GUEST_ACTIVITY, 0},
        {VMCS_GUEST_PENDING_DEBUG, 0},
        {VMCS_GUEST_VMCS_LINK, NO_LINK},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0},
    };
    for (unsigned i = 0; i < sizeof(state) / sizeof(state[0]); i++)
        vmcs_write(state[i].field, state[i].value, &failure);

    vcpu->r8 = vcpu->r9 = vcpu->r10 = vcpu->r11 = vcpu->r12 = vcpu->r13 = vcpu->r14 = 0;
    vcpu->r15 = vcpu->rax = vcpu->rbx = vcpu->rcx = vcpu->rbp = 0;
    vcpu->rdi = start->rdi;
    vcpu->rsi = start->rsi;
    vcpu->rdx = start->rdx;
    vcpu->events = (struct pending_events){0};
    vcpu->xcr0 = XCR0_RESET;
    return vcpu_written(vcpu, failure);
}
