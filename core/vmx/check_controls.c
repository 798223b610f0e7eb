/* SPDX-License-Identifier: MIT */
/* Checks on VM-execution control fields (SDM Vol. 3C 27.2.1.1). */
#include "../platform.h"
#include "../x86/instructions.h"
#include "check_rule.h"

#define IA32_VMX_VMFUNC         0x491u
#define EPT_CAP_UNCACHEABLE     (1ull << 8)
#define EPT_CAP_WALK_5          (1ull << 7)
#define EPT_CAP_SHADOW_STACK    (1ull << 23)
#define EXIT_CLEAR_RTIT_CTL     (1ull << 25)
#define ENTRY_LOAD_RTIT_CTL     (1ull << 18)
#define FUNCTION_EPTP_SWITCHING (1ull << 0)
#define VIRTUAL_APIC_TPR        0x80u
#define PAGE_OFFSET             0xfffull

static bool wants_cr3_targets(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return value <= (check->capability->misc >> 16 & 0x1ff);
}

static bool wants_tpr_threshold(const struct check *check, uint64_t value, uint64_t operand)
{
    const uint8_t *page = platform_at(check_field(VMCS_VIRTUAL_APIC_PAGE));
    (void)check;
    (void)operand;
    return page && (value & 0xf) <= (uint64_t)page[VIRTUAL_APIC_TPR] >> 4;
}

static bool wants_ept_memory_type(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return ((value & 7) == 0 && check->capability->ept_vpid & EPT_CAP_UNCACHEABLE) ||
           ((value & 7) == 6 && check->capability->ept_vpid & EPT_CAP_WRITE_BACK);
}

static bool wants_ept_walk(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return ((value >> 3 & 7) == 3 && check->capability->ept_vpid & EPT_CAP_WALK_4) ||
           ((value >> 3 & 7) == 4 && check->capability->ept_vpid & EPT_CAP_WALK_5);
}

static bool wants_ept_accessed_dirty(const struct check *check, uint64_t value, uint64_t bit)
{
    return !(value & bit) || check->capability->ept_vpid & EPT_CAP_ACCESSED_DIRTY;
}

static bool wants_ept_shadow_stack(const struct check *check, uint64_t value, uint64_t bit)
{
    return !(value & bit) || check->capability->ept_vpid & EPT_CAP_SHADOW_STACK;
}

static bool wants_functions(const struct check *check, uint64_t value, uint64_t operand)
{
    uint32_t low = 0, high = 0;
    (void)check;
    (void)operand;
    return x86_rdmsr_checked(IA32_VMX_VMFUNC, &low, &high) &&
           !(value & ~((uint64_t)high << 32 | low));
}

static bool wants_eptp_switching(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return !(value & FUNCTION_EPTP_SWITCHING) || check->facts & IF(SECONDARY_EPT);
}

static bool wants_eptp_list(const struct check *check, uint64_t value, uint64_t mask)
{
    return !(check_field(VMCS_VM_FUNCTION_CONTROLS) & FUNCTION_EPTP_SWITCHING) ||
           wants_address(check, value, mask);
}

#define PAGE_TEXT "4 KiB aligned, and no bits beyond the physical-address width"

static const struct rule rules[] = {
    {VMCS_PIN_BASED_CONTROLS, ALWAYS, NEVER, wants_settings, CONTROL_PIN_BASED,
     "27.2.1.1: reserved bits as the capability MSR has them"},
    {VMCS_PRIMARY_CONTROLS, ALWAYS, NEVER, wants_settings, CONTROL_PRIMARY,
     "27.2.1.1: reserved bits as the capability MSR has them"},
    {VMCS_SECONDARY_CONTROLS, IF(PRIMARY_SECONDARY), NEVER, wants_settings, CONTROL_SECONDARY,
     "27.2.1.1: reserved bits as the capability MSR has them"},
    {VMCS_CR3_TARGET_COUNT, ALWAYS, NEVER, wants_cr3_targets, 0,
     "27.2.1.1: not greater than IA32_VMX_MISC[24:16]"},
    {VMCS_IO_BITMAP_A, IF(PRIMARY_IO_BITMAPS), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with I/O bitmaps: " PAGE_TEXT},
    {VMCS_IO_BITMAP_B, IF(PRIMARY_IO_BITMAPS), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with I/O bitmaps: " PAGE_TEXT},
    {VMCS_MSR_BITMAP, IF(PRIMARY_MSR_BITMAPS), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with MSR bitmaps: " PAGE_TEXT},
    {VMCS_VIRTUAL_APIC_PAGE, IF(PRIMARY_TPR_SHADOW), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with the TPR shadow: " PAGE_TEXT},
    {VMCS_TPR_THRESHOLD, IF(PRIMARY_TPR_SHADOW), IF(SECONDARY_VIRTUAL_INTERRUPT_DELIVERY),
     wants_clear, 0xfffffff0,
     "27.2.1.1: with the TPR shadow, without virtual-interrupt delivery: bits 31:4 must be 0"},
    {VMCS_TPR_THRESHOLD, IF(PRIMARY_TPR_SHADOW),
     IF(SECONDARY_VIRTUALIZE_APIC_ACCESSES) | IF(SECONDARY_VIRTUAL_INTERRUPT_DELIVERY),
     wants_tpr_threshold, 0,
     "27.2.1.1: with the TPR shadow, without APIC-access virtualization or virtual-interrupt "
     "delivery: bits 3:0 not greater than bits 7:4 of VTPR"},
    {VMCS_SECONDARY_CONTROLS, IF(PRIMARY_SECONDARY), IF(PRIMARY_TPR_SHADOW), wants_clear,
     SECONDARY_VIRTUALIZE_X2APIC | SECONDARY_APIC_REGISTER_VIRTUALIZATION |
         SECONDARY_VIRTUAL_INTERRUPT_DELIVERY,
     "27.2.1.1: without the TPR shadow: virtualize x2APIC mode, APIC-register virtualization and "
     "virtual-interrupt delivery must be 0"},
    {VMCS_PIN_BASED_CONTROLS, ALWAYS, IF(PIN_BASED_NMI_EXITING), wants_clear,
     PIN_BASED_VIRTUAL_NMIS, "27.2.1.1: without NMI exiting: virtual NMIs must be 0"},
    {VMCS_PRIMARY_CONTROLS, ALWAYS, IF(PIN_BASED_VIRTUAL_NMIS), wants_clear,
     PRIMARY_NMI_WINDOW_EXITING, "27.2.1.1: without virtual NMIs: NMI-window exiting must be 0"},
    {VMCS_APIC_ACCESS_PAGE, IF(SECONDARY_VIRTUALIZE_APIC_ACCESSES), NEVER, wants_address,
     PAGE_OFFSET, "27.2.1.1: with APIC-access virtualization: " PAGE_TEXT},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_VIRTUALIZE_X2APIC), NEVER, wants_clear,
     SECONDARY_VIRTUALIZE_APIC_ACCESSES,
     "27.2.1.1: with virtualize x2APIC mode: virtualize APIC accesses must be 0"},
    {VMCS_PIN_BASED_CONTROLS, IF(SECONDARY_VIRTUAL_INTERRUPT_DELIVERY), NEVER, wants_set,
     PIN_BASED_EXTERNAL_INTERRUPT_EXITING,
     "27.2.1.1: with virtual-interrupt delivery: external-interrupt exiting must be 1"},
    {VMCS_PIN_BASED_CONTROLS, ALWAYS, IF(SECONDARY_VIRTUAL_INTERRUPT_DELIVERY), wants_clear,
     PIN_BASED_POSTED_INTERRUPTS,
     "27.2.1.1: without virtual-interrupt delivery: process posted interrupts must be 0"},
    {VMCS_EXIT_CONTROLS, IF(PIN_BASED_POSTED_INTERRUPTS), NEVER, wants_set,
     EXIT_ACKNOWLEDGE_INTERRUPT,
     "27.2.1.1: with posted interrupts: acknowledge interrupt on exit must be 1"},
    {VMCS_POSTED_INTERRUPT_NOTIFICATION_VECTOR, IF(PIN_BASED_POSTED_INTERRUPTS), NEVER, wants_clear,
     0xff00, "27.2.1.1: with posted interrupts: bits 15:8 must be 0"},
    {VMCS_POSTED_INTERRUPT_DESCRIPTOR, IF(PIN_BASED_POSTED_INTERRUPTS), NEVER, wants_address, 0x3f,
     "27.2.1.1: with posted interrupts: 64-byte aligned, and no bits beyond the physical-address "
     "width"},
    {VMCS_VIRTUAL_PROCESSOR_ID, IF(SECONDARY_VPID), NEVER, wants_not_zero, 0,
     "27.2.1.1: with VPIDs: must not be 0"},
    {VMCS_EPT_POINTER, IF(SECONDARY_EPT), NEVER, wants_ept_memory_type, 0,
     "27.2.1.1: memory type (bits 2:0) one of IA32_VMX_EPT_VPID_CAP"},
    {VMCS_EPT_POINTER, IF(SECONDARY_EPT), NEVER, wants_ept_walk, 0,
     "27.2.1.1: bits 5:3 one less than a page-walk length of IA32_VMX_EPT_VPID_CAP"},
    {VMCS_EPT_POINTER, IF(SECONDARY_EPT), NEVER, wants_ept_accessed_dirty, 1 << 6,
     "27.2.1.1: bit 6 must be 0 without accessed and dirty flags for EPT"},
    {VMCS_EPT_POINTER, IF(SECONDARY_EPT), NEVER, wants_ept_shadow_stack, 1 << 7,
     "27.2.1.1: bit 7 must be 0 without supervisor shadow-stack control"},
    {VMCS_EPT_POINTER, IF(SECONDARY_EPT), NEVER, wants_address, 0xf00,
     "27.2.1.1: bits 11:8 and those beyond the physical-address width must be 0"},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_PAGE_MODIFICATION_LOG), NEVER, wants_set, SECONDARY_EPT,
     "27.2.1.1: with PML: enable EPT must be 1"},
    {VMCS_PML_ADDRESS, IF(SECONDARY_PAGE_MODIFICATION_LOG), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with PML: " PAGE_TEXT},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_UNRESTRICTED_GUEST), NEVER, wants_set, SECONDARY_EPT,
     "27.2.1.1: with unrestricted guest: enable EPT must be 1"},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_EXECUTE_BY_MODE), NEVER, wants_set, SECONDARY_EPT,
     "27.2.1.1: with mode-based execute control: enable EPT must be 1"},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_SUB_PAGE), NEVER, wants_set, SECONDARY_EPT,
     "27.2.1.1: with sub-page write permissions: enable EPT must be 1"},
    {VMCS_SUB_PAGE_PERMISSION_TABLE, IF(SECONDARY_SUB_PAGE), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with sub-page write permissions: " PAGE_TEXT},
    {VMCS_SECONDARY_CONTROLS, IF(SECONDARY_TRACE_GUEST_PHYSICAL), NEVER, wants_set, SECONDARY_EPT,
     "27.2.1.1: with Intel PT by guest-physical addresses: enable EPT must be 1"},
    {VMCS_ENTRY_CONTROLS, IF(SECONDARY_TRACE_GUEST_PHYSICAL), NEVER, wants_set, ENTRY_LOAD_RTIT_CTL,
     "27.2.1.1: with Intel PT by guest-physical addresses: load IA32_RTIT_CTL must be 1"},
    {VMCS_EXIT_CONTROLS, IF(SECONDARY_TRACE_GUEST_PHYSICAL), NEVER, wants_set, EXIT_CLEAR_RTIT_CTL,
     "27.2.1.1: with Intel PT by guest-physical addresses: clear IA32_RTIT_CTL must be 1"},
    {VMCS_VM_FUNCTION_CONTROLS, IF(SECONDARY_VM_FUNCTIONS), NEVER, wants_functions, 0,
     "27.2.1.1: reserved bits as IA32_VMX_VMFUNC has them"},
    {VMCS_VM_FUNCTION_CONTROLS, IF(SECONDARY_VM_FUNCTIONS), NEVER, wants_eptp_switching, 0,
     "27.2.1.1: EPTP switching wants enable EPT"},
    {VMCS_EPTP_LIST, IF(SECONDARY_VM_FUNCTIONS), NEVER, wants_eptp_list, PAGE_OFFSET,
     "27.2.1.1: with EPTP switching: " PAGE_TEXT},
    {VMCS_VMREAD_BITMAP, IF(SECONDARY_VMCS_SHADOWING), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with VMCS shadowing: " PAGE_TEXT},
    {VMCS_VMWRITE_BITMAP, IF(SECONDARY_VMCS_SHADOWING), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with VMCS shadowing: " PAGE_TEXT},
    {VMCS_VIRTUALIZATION_EXCEPTION_INFO, IF(SECONDARY_VIRTUALIZATION_EXCEPTION), NEVER,
     wants_address, PAGE_OFFSET, "27.2.1.1: with EPT-violation #VE: " PAGE_TEXT},
    {VMCS_LOW_PASID_DIRECTORY, IF(SECONDARY_PASID_TRANSLATION), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with PASID translation: " PAGE_TEXT},
    {VMCS_HIGH_PASID_DIRECTORY, IF(SECONDARY_PASID_TRANSLATION), NEVER, wants_address, PAGE_OFFSET,
     "27.2.1.1: with PASID translation: " PAGE_TEXT},
    {VMCS_TSC_MULTIPLIER, IF(SECONDARY_TSC_SCALING), NEVER, wants_not_zero, 0,
     "27.2.1.1: with TSC scaling: must not be 0"},
};

bool check_controls(const struct check *check, struct vmcs_fault *fault)
{
    return CHECK_RULES(check, rules, fault) && check_transitions(check, fault);
}
