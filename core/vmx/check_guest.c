/* SPDX-License-Identifier: MIT */
/*
 * Checks on the guest-state area: control registers, MSRs, tables, RIP, RFLAGS and PDPTEs (SDM Vol.
 * 3C 27.3.1.1, 27.3.1.3, 27.3.1.4, 27.3.1.6).
 */
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "check_rule.h"

#define UPPER             0xffffffff00000000ull
#define DEBUGCTL_RESERVED 0xffffffffffff0038ull
#define BNDCFGS_RESERVED  0xffcull
#define RFLAGS_RESERVED   0xffffffffffc08028ull
#define RFLAGS_VM         (1ull << 17)
#define PDPTE_PRESENT     1u
#define PDPTE_RESERVED    0x1e6u

static bool wants_cr0_fixed(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t fixed0 = check->capability->cr0_fixed0, fixed1 = check->capability->cr0_fixed1;
    /* VM entry leaves NW and CD as they are, whatever the field says. */
    uint64_t free = CR0_NW | CR0_CD;

    (void)operand;
    if (check->facts & IF(SECONDARY_UNRESTRICTED_GUEST))
        free |= CR0_PE | CR0_PG;
    return !(~value & fixed0 & ~free) && !(value & ~fixed1 & ~free);
}

static bool wants_efer_lma(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return !!(value & EFER_LMA) == !!(check->facts & IF(ENTRY_IA32E_GUEST));
}

static bool wants_efer_lme(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    return !!(value & EFER_LMA) == !!(value & EFER_LME);
}

static bool wants_bndcfgs(const struct check *check, uint64_t value, uint64_t operand)
{
    return !(value & BNDCFGS_RESERVED) && wants_canonical(check, value & ~0xfffull, operand);
}

static bool wants_not_64_bit_rip(const struct check *check, uint64_t value, uint64_t operand)
{
    const uint64_t mode_64 = IF(ENTRY_IA32E_GUEST) | IF(GUEST_CS_L);
    (void)operand;
    return (check->facts & mode_64) == mode_64 || !(value & UPPER);
}

static bool wants_pdpte(const struct check *check, uint64_t value, uint64_t operand)
{
    return !(value & PDPTE_PRESENT) || wants_address(check, value, operand);
}

#define PAE_PAGING IF(SECONDARY_EPT) | IF(GUEST_PG) | IF(GUEST_PAE)
#define PDPTE                                                                                     \
    "27.3.1.6: with PAE paging, if present: bits 2:1, 8:5 and those beyond the physical-address " \
    "width must be 0"

static const struct rule rules[] = {
    {VMCS_GUEST_CR0, ALWAYS, NEVER, wants_cr0_fixed, 0,
     "27.3.1.1: bits fixed in VMX operation (but PE and PG of an unrestricted guest)"},
    {VMCS_GUEST_CR0, IF(GUEST_PG), NEVER, wants_set, CR0_PE, "27.3.1.1: with PG: PE must be 1"},
    {VMCS_GUEST_CR4, ALWAYS, NEVER, wants_cr4, 0, "27.3.1.1: bits fixed in VMX operation"},
    {VMCS_GUEST_CR0, IF(GUEST_CET), NEVER, wants_set, CR0_WP,
     "27.3.1.1: with CR4.CET: WP must be 1"},
    {VMCS_GUEST_DEBUGCTL, IF(ENTRY_LOAD_DEBUG_CONTROLS), NEVER, wants_clear, DEBUGCTL_RESERVED,
     "27.3.1.1: reserved bits must be 0"},
    {VMCS_GUEST_CR0, IF(ENTRY_IA32E_GUEST), NEVER, wants_set, CR0_PG,
     "27.3.1.1: for an IA-32e mode guest: PG must be 1"},
    {VMCS_GUEST_CR4, IF(ENTRY_IA32E_GUEST), NEVER, wants_set, CR4_PAE,
     "27.3.1.1: for an IA-32e mode guest: PAE must be 1"},
    {VMCS_GUEST_CR4, ALWAYS, IF(ENTRY_IA32E_GUEST), wants_clear, CR4_PCIDE,
     "27.3.1.1: outside IA-32e mode: PCIDE must be 0"},
    {VMCS_GUEST_CR3, ALWAYS, NEVER, wants_cr3, 0,
     "27.3.1.1: no bits beyond the physical-address width"},
    {VMCS_GUEST_DR7, IF(ENTRY_LOAD_DEBUG_CONTROLS), NEVER, wants_clear, UPPER,
     "27.3.1.1: bits 63:32 must be 0"},
    {VMCS_GUEST_SYSENTER_ESP, ALWAYS, NEVER, wants_canonical, 0, "27.3.1.1: must be canonical"},
    {VMCS_GUEST_SYSENTER_EIP, ALWAYS, NEVER, wants_canonical, 0, "27.3.1.1: must be canonical"},
    {VMCS_GUEST_S_CET, IF(ENTRY_LOAD_CET), NEVER, wants_s_cet, 0,
     "27.3.1.1: reserved bits must be 0, and the bitmap's address canonical"},
    {VMCS_GUEST_INTERRUPT_SSP_TABLE, IF(ENTRY_LOAD_CET), NEVER, wants_canonical, 0,
     "27.3.1.1: must be canonical"},
    {VMCS_GUEST_PERF_GLOBAL_CTRL, IF(ENTRY_LOAD_PERF_GLOBAL_CTRL), NEVER, wants_perf_global_ctrl, 0,
     "27.3.1.1: reserved bits must be 0"},
    {VMCS_GUEST_PAT, IF(ENTRY_LOAD_PAT), NEVER, wants_pat, 0,
     "27.3.1.1: each byte 0, 1, 4, 5, 6 or 7"},
    {VMCS_GUEST_EFER, IF(ENTRY_LOAD_EFER), NEVER, wants_efer, 0,
     "27.3.1.1: reserved bits must be 0"},
    {VMCS_GUEST_EFER, IF(ENTRY_LOAD_EFER), NEVER, wants_efer_lma, 0,
     "27.3.1.1: LMA as the IA-32e mode guest control"},
    {VMCS_GUEST_EFER, IF(ENTRY_LOAD_EFER) | IF(GUEST_PG), NEVER, wants_efer_lme, 0,
     "27.3.1.1: with CR0.PG: LMA and LME must be equal"},
    {VMCS_GUEST_BNDCFGS, IF(ENTRY_LOAD_BNDCFGS), NEVER, wants_bndcfgs, 0,
     "27.3.1.1: bits 11:2 must be 0, and the address canonical"},
    {VMCS_GUEST_PKRS, IF(ENTRY_LOAD_PKRS), NEVER, wants_clear, UPPER,
     "27.3.1.1: bits 63:32 must be 0"},
    {VMCS_GUEST_UINV, IF(ENTRY_LOAD_UINV), NEVER, wants_clear, 0xff00,
     "27.3.1.1: bits 15:8 must be 0"},
    {VMCS_GUEST_GDTR_BASE, ALWAYS, NEVER, wants_canonical, 0, "27.3.1.3: must be canonical"},
    {VMCS_GUEST_IDTR_BASE, ALWAYS, NEVER, wants_canonical, 0, "27.3.1.3: must be canonical"},
    {VMCS_GUEST_GDTR_LIMIT, ALWAYS, NEVER, wants_clear, 0xffff0000,
     "27.3.1.3: bits 31:16 must be 0"},
    {VMCS_GUEST_IDTR_LIMIT, ALWAYS, NEVER, wants_clear, 0xffff0000,
     "27.3.1.3: bits 31:16 must be 0"},
    {VMCS_GUEST_RIP, ALWAYS, NEVER, wants_not_64_bit_rip, 0,
     "27.3.1.4: bits 63:32 must be 0 outside 64-bit mode"},
    {VMCS_GUEST_RIP, ALWAYS, NEVER, wants_rip, 0,
     "27.3.1.4: bits beyond the linear-address width must be identical"},
    {VMCS_GUEST_RFLAGS, ALWAYS, NEVER, wants_clear, RFLAGS_RESERVED,
     "27.3.1.4: reserved bits 63:22, 15, 5 and 3 must be 0"},
    {VMCS_GUEST_RFLAGS, ALWAYS, NEVER, wants_set, RFLAGS_FIXED,
     "27.3.1.4: reserved bit 1 must be 1"},
    {VMCS_GUEST_RFLAGS, IF(ENTRY_IA32E_GUEST), NEVER, wants_clear, RFLAGS_VM,
     "27.3.1.4: VM must be 0 for an IA-32e mode guest"},
    {VMCS_GUEST_RFLAGS, ALWAYS, IF(GUEST_PE), wants_clear, RFLAGS_VM,
     "27.3.1.4: VM must be 0 without CR0.PE"},
    {VMCS_GUEST_RFLAGS, IF(INJECTS_INTERRUPT), NEVER, wants_set, RFLAGS_IF,
     "27.3.1.4: IF must be 1 to inject an external interrupt"},
    {VMCS_GUEST_SSP, IF(ENTRY_LOAD_CET), NEVER, wants_clear, 3, "27.3.1.4: bits 1:0 must be 0"},
    {VMCS_GUEST_SSP, IF(ENTRY_LOAD_CET), NEVER, wants_not_64_bit_rip, 0,
     "27.3.1.4: bits 63:32 must be 0 outside 64-bit mode"},
    {VMCS_GUEST_SSP, IF(ENTRY_LOAD_CET), NEVER, wants_rip, 0,
     "27.3.1.4: bits beyond the linear-address width must be identical"},
    {VMCS_GUEST_PDPTE0, PAE_PAGING, IF(ENTRY_IA32E_GUEST), wants_pdpte, PDPTE_RESERVED, PDPTE},
    {VMCS_GUEST_PDPTE1, PAE_PAGING, IF(ENTRY_IA32E_GUEST), wants_pdpte, PDPTE_RESERVED, PDPTE},
    {VMCS_GUEST_PDPTE2, PAE_PAGING, IF(ENTRY_IA32E_GUEST), wants_pdpte, PDPTE_RESERVED, PDPTE},
    {VMCS_GUEST_PDPTE3, PAE_PAGING, IF(ENTRY_IA32E_GUEST), wants_pdpte, PDPTE_RESERVED, PDPTE},
};

bool check_guest(const struct check *check, struct vmcs_fault *fault)
{
    return CHECK_RULES(check, rules, fault) && check_segments(check, fault) &&
           check_non_register(check, fault);
}
