/* SPDX-License-Identifier: MIT */
/* Checks on guest non-register state (SDM Vol. 3C 27.3.1.5). */
#include "../platform.h"
#include "../x86/instructions.h"
#include "check_rule.h"
#include "event.h"

#define CPUID_7_EBX_SGX      (1u << 2)
#define CPUID_7_EBX_RTM      (1u << 11)
#define CPUID_7_ECX_BUS_LOCK (1u << 24)

#define BLOCKING_STI    1u
#define BLOCKING_MOV_SS 2u
#define BLOCKING_SMI    4u
#define BLOCKING_NMI    8u
#define BLOCKING_ALL    0x1fu

#define PENDING_BUS_LOCK (1ull << 11)
#define PENDING_ENABLED  (1ull << 12)
#define PENDING_BS       (1ull << 14)
#define PENDING_RESERVED 0xfffffffffffeaff0ull
#define PENDING_WITH_RTM 0xfffffffffffeefffull

#define NO_LINK     UINT64_MAX
#define PAGE_OFFSET 0xfffull

enum { ACTIVE, HLT, SHUTDOWN, WAIT_FOR_SIPI };

/* IA32_VMX_MISC[8:6] tell of HLT, shutdown and wait-for-SIPI. */
static bool wants_activity(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return value == ACTIVE ||
           (value <= WAIT_FOR_SIPI && check->capability->misc >> (5 + value) & 1);
}

static bool wants_hlt(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    return value != HLT || !(check_field(VMCS_GUEST_SS_ACCESS_RIGHTS) >> 5 & 3);
}

static bool wants_awake(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return value == ACTIVE || !(check->facts & (IF(BLOCKING_BY_STI) | IF(BLOCKING_BY_MOV_SS)));
}

/* Whether what is injected is something that the state lets through. */
static bool wants_wakes(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t info = check_field(VMCS_ENTRY_INTERRUPTION_INFO);
    uint64_t vector = info & 0xff, type = info & EVENT_TYPE;
    bool exception = type == EVENT_HARDWARE_EXCEPTION;
    (void)check;
    (void)operand;
    switch (value) {
    case HLT:
        return type == EVENT_EXTERNAL_INTERRUPT || type == EVENT_NMI || type == EVENT_TYPE ||
               (exception && (vector == VECTOR_DB || vector == VECTOR_MC));
    case SHUTDOWN:
        return type == EVENT_NMI || (exception && vector == VECTOR_MC);
    case WAIT_FOR_SIPI:
        return false;
    default:
        return true;
    }
}

static bool wants_not_both(const struct check *check, uint64_t value, uint64_t bits)
{
    (void)check;
    return (value & bits) != bits;
}

static bool wants_sgx(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)value;
    (void)operand;
    return x86_cpuid(7, 0).ebx & CPUID_7_EBX_SGX;
}

static bool wants_pending(const struct check *check, uint64_t value, uint64_t reserved)
{
    (void)check;
    if (x86_cpuid(7, 0).ecx & CPUID_7_ECX_BUS_LOCK)
        reserved &= ~PENDING_BUS_LOCK;
    return !(value & reserved);
}

/* Single-stepping is pending just where it is on; asked while a debug trap would be held back. */
static bool wants_pending_bs(const struct check *check, uint64_t value, uint64_t operand)
{
    bool held = check->facts & (IF(BLOCKING_BY_STI) | IF(BLOCKING_BY_MOV_SS) | IF(ACTIVITY_HLT));
    bool stepping = check->facts & IF(GUEST_TF) && !(check->facts & IF(GUEST_BTF));
    (void)operand;
    return !held || stepping == !!(value & PENDING_BS);
}

static bool wants_rtm(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)check;
    (void)operand;
    return x86_cpuid(7, 0).ebx & CPUID_7_EBX_RTM && !(value & PENDING_WITH_RTM) &&
           value & PENDING_ENABLED;
}

static bool wants_link(const struct check *check, uint64_t value, uint64_t operand)
{
    return value == NO_LINK || wants_address(check, value, operand);
}

static bool wants_linked_revision(const struct check *check, uint64_t value, uint64_t operand)
{
    uint32_t shadow = check->facts & IF(SECONDARY_VMCS_SHADOWING) ? 1u << 31 : 0;
    (void)operand;
    if (value == NO_LINK)
        return true;
    const uint32_t *linked = platform_at(value);
    return linked && *linked == (vmx_revision(check->capability) | shadow);
}

static const struct rule rules[] = {
    {VMCS_GUEST_ACTIVITY, ALWAYS, NEVER, wants_activity, 0,
     "27.3.1.5: 0, or one of 1 to 3 that IA32_VMX_MISC[8:6] has"},
    {VMCS_GUEST_ACTIVITY, ALWAYS, NEVER, wants_hlt, 0, "27.3.1.5: not HLT with SS's DPL not 0"},
    {VMCS_GUEST_ACTIVITY, ALWAYS, NEVER, wants_awake, 0,
     "27.3.1.5: must be active with blocking by STI or MOV SS"},
    {VMCS_GUEST_ACTIVITY, IF(INJECTS), NEVER, wants_wakes, 0,
     "27.3.1.5: must not block the event that is injected"},
    {VMCS_GUEST_INTERRUPTIBILITY, ALWAYS, NEVER, wants_clear, ~(uint64_t)BLOCKING_ALL,
     "27.3.1.5: bits 31:5 must be 0"},
    {VMCS_GUEST_INTERRUPTIBILITY, ALWAYS, NEVER, wants_not_both, BLOCKING_STI | BLOCKING_MOV_SS,
     "27.3.1.5: not both blocking by STI and by MOV SS"},
    {VMCS_GUEST_INTERRUPTIBILITY, ALWAYS, IF(GUEST_IF), wants_clear, BLOCKING_STI,
     "27.3.1.5: without RFLAGS.IF: blocking by STI must be 0"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(INJECTS_INTERRUPT), NEVER, wants_clear,
     BLOCKING_STI | BLOCKING_MOV_SS,
     "27.3.1.5: blocking by STI and MOV SS must be 0 to inject an external interrupt"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(INJECTS_NMI), NEVER, wants_clear, BLOCKING_MOV_SS,
     "27.3.1.5: blocking by MOV SS must be 0 to inject an NMI"},
    {VMCS_GUEST_INTERRUPTIBILITY, ALWAYS, NEVER, wants_clear, BLOCKING_SMI,
     "27.3.1.5: blocking by SMI must be 0 outside SMM"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(INJECTS_NMI) | IF(PIN_BASED_VIRTUAL_NMIS), NEVER, wants_clear,
     BLOCKING_NMI, "27.3.1.5: with virtual NMIs: blocking by NMI must be 0 to inject an NMI"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(ENCLAVE_INTERRUPTION), NEVER, wants_clear, BLOCKING_MOV_SS,
     "27.3.1.5: with enclave interruption: blocking by MOV SS must be 0"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(ENCLAVE_INTERRUPTION), NEVER, wants_sgx, 0,
     "27.3.1.5: enclave interruption must be 0 without SGX"},
    {VMCS_GUEST_PENDING_DEBUG, ALWAYS, NEVER, wants_pending, PENDING_RESERVED,
     "27.3.1.5: reserved bits 11:4, 13, 15 and 63:17 must be 0"},
    {VMCS_GUEST_PENDING_DEBUG, ALWAYS, NEVER, wants_pending_bs, 0,
     "27.3.1.5: in HLT, or with blocking by STI or MOV SS: BS (bit 14) just with RFLAGS.TF and "
     "without DEBUGCTL.BTF"},
    {VMCS_GUEST_PENDING_DEBUG, IF(PENDING_RTM), NEVER, wants_rtm, 0,
     "27.3.1.5: RTM (bit 16) wants RTM, bit 12 set and no other bits"},
    {VMCS_GUEST_INTERRUPTIBILITY, IF(PENDING_RTM), NEVER, wants_clear, BLOCKING_MOV_SS,
     "27.3.1.5: with a pending RTM debug exception: blocking by MOV SS must be 0"},
    {VMCS_GUEST_VMCS_LINK, ALWAYS, NEVER, wants_link, PAGE_OFFSET,
     "27.3.1.5: all ones; else 4 KiB aligned, and no bits beyond the physical-address width"},
    {VMCS_GUEST_VMCS_LINK, ALWAYS, NEVER, wants_linked_revision, 0,
     "27.3.1.5: all ones; else memory that starts with the VMCS revision identifier, bit 31 as "
     "VMCS shadowing"},
    /* Last, for only some CPUs want it. */
    {VMCS_GUEST_INTERRUPTIBILITY, IF(INJECTS_NMI), NEVER, wants_clear, BLOCKING_STI,
     "27.3.1.5: a CPU may want blocking by STI to be 0 to inject an NMI"},
};

bool check_non_register(const struct check *check, struct vmcs_fault *fault)
{
    return CHECK_RULES(check, rules, fault);
}
