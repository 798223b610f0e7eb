/* SPDX-License-Identifier: MIT */
/* Checks on the host-state area (SDM Vol. 3C 27.2.2 to 27.2.4). */
#include "../x86/control_registers.h"
#include "../x86/msr.h"
#include "check_rule.h"

#define UPPER  0xffffffff00000000ull
#define RPL_TI 7u

static bool wants_cr0(const struct check *check, uint64_t value, uint64_t operand)
{
    const struct vmx_capability *capability = check->capability;
    (void)operand;
    return !(~value & capability->cr0_fixed0) && !(value & ~capability->cr0_fixed1);
}

/* LMA and LME as the host's address-space size. */
static bool wants_host_efer(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t wanted = check->facts & IF(EXIT_HOST_64_BIT) ? EFER_LMA | EFER_LME : 0;
    (void)operand;
    return (value & (EFER_LMA | EFER_LME)) == wanted;
}

#define SELECTOR "27.2.3: RPL and TI (bits 2:0) must be 0"
#define BASE     "27.2.3: must be canonical"

static const struct rule rules[] = {
    {VMCS_HOST_CR0, ALWAYS, NEVER, wants_cr0, 0, "27.2.2: bits fixed in VMX operation"},
    {VMCS_HOST_CR4, ALWAYS, NEVER, wants_cr4, 0, "27.2.2: bits fixed in VMX operation"},
    {VMCS_HOST_CR0, IF(HOST_CET), NEVER, wants_set, CR0_WP, "27.2.2: with CR4.CET: WP must be 1"},
    {VMCS_HOST_CR3, ALWAYS, NEVER, wants_cr3, 0,
     "27.2.2: no bits beyond the physical-address width"},
    {VMCS_HOST_SYSENTER_ESP, ALWAYS, NEVER, wants_canonical, 0, "27.2.2: must be canonical"},
    {VMCS_HOST_SYSENTER_EIP, ALWAYS, NEVER, wants_canonical, 0, "27.2.2: must be canonical"},
    {VMCS_HOST_PERF_GLOBAL_CTRL, IF(EXIT_LOAD_PERF_GLOBAL_CTRL), NEVER, wants_perf_global_ctrl, 0,
     "27.2.2: reserved bits must be 0"},
    {VMCS_HOST_PAT, IF(EXIT_LOAD_PAT), NEVER, wants_pat, 0, "27.2.2: each byte 0, 1, 4, 5, 6 or 7"},
    {VMCS_HOST_EFER, IF(EXIT_LOAD_EFER), NEVER, wants_efer, 0, "27.2.2: reserved bits must be 0"},
    {VMCS_HOST_EFER, IF(EXIT_LOAD_EFER), NEVER, wants_host_efer, 0,
     "27.2.2: LMA and LME as the host address-space size"},
    {VMCS_HOST_S_CET, IF(EXIT_LOAD_CET), NEVER, wants_s_cet, 0,
     "27.2.2: reserved bits must be 0, and the bitmap's address canonical"},
    {VMCS_HOST_SSP, IF(EXIT_LOAD_CET), NEVER, wants_canonical, 0, "27.2.2: must be canonical"},
    {VMCS_HOST_SSP, IF(EXIT_LOAD_CET), NEVER, wants_clear, 3, "27.2.2: bits 1:0 must be 0"},
    {VMCS_HOST_INTERRUPT_SSP_TABLE, IF(EXIT_LOAD_CET), NEVER, wants_canonical, 0,
     "27.2.2: must be canonical"},
    {VMCS_HOST_PKRS, IF(EXIT_LOAD_PKRS), NEVER, wants_clear, UPPER, "27.2.2: bits 63:32 must be 0"},
    {VMCS_HOST_CS_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_SS_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_DS_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_ES_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_FS_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_GS_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_TR_SELECTOR, ALWAYS, NEVER, wants_clear, RPL_TI, SELECTOR},
    {VMCS_HOST_CS_SELECTOR, ALWAYS, NEVER, wants_not_zero, 0, "27.2.3: must not be 0"},
    {VMCS_HOST_TR_SELECTOR, ALWAYS, NEVER, wants_not_zero, 0, "27.2.3: must not be 0"},
    {VMCS_HOST_SS_SELECTOR, ALWAYS, IF(EXIT_HOST_64_BIT), wants_not_zero, 0,
     "27.2.3: must not be 0 for a 32-bit host"},
    {VMCS_HOST_FS_BASE, ALWAYS, NEVER, wants_canonical, 0, BASE},
    {VMCS_HOST_GS_BASE, ALWAYS, NEVER, wants_canonical, 0, BASE},
    {VMCS_HOST_TR_BASE, ALWAYS, NEVER, wants_canonical, 0, BASE},
    {VMCS_HOST_GDTR_BASE, ALWAYS, NEVER, wants_canonical, 0, BASE},
    {VMCS_HOST_IDTR_BASE, ALWAYS, NEVER, wants_canonical, 0, BASE},
    {VMCS_HOST_CR4, ALWAYS, IF(EXIT_HOST_64_BIT), wants_clear, CR4_PCIDE,
     "27.2.4: for a 32-bit host: PCIDE must be 0"},
    {VMCS_HOST_RIP, ALWAYS, IF(EXIT_HOST_64_BIT), wants_clear, UPPER,
     "27.2.4: for a 32-bit host: bits 63:32 must be 0"},
    {VMCS_HOST_CR4, IF(EXIT_HOST_64_BIT), NEVER, wants_set, CR4_PAE,
     "27.2.4: for a 64-bit host: PAE must be 1"},
    {VMCS_HOST_RIP, IF(EXIT_HOST_64_BIT), NEVER, wants_canonical, 0,
     "27.2.4: for a 64-bit host: must be canonical"},
};

bool check_host(const struct check *check, struct vmcs_fault *fault)
{
    return CHECK_RULES(check, rules, fault);
}
