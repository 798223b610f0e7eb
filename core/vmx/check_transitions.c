/* SPDX-License-Identifier: MIT */
/* Checks on VM-exit and VM-entry control fields (SDM Vol. 3C 27.2.1.2, 27.2.1.3), and their part
 * in 27.2.4. */
#include "../x86/instructions.h"
#include "../x86/msr.h"
#include "check_rule.h"
#include "event.h"

#define BASIC_ANY_ERROR_CODE   (1ull << 56)
#define MISC_INJECT_LENGTH_0   (1ull << 30)
#define ENTRY_TO_SMM           (1ull << 10)
#define ENTRY_END_DUAL_MONITOR (1ull << 11)
#define EVENT_RESERVED         (1u << 8)
#define EVENT_OTHER            (7u << 8) /* pending MTF VM exit */

/* 8 = #DF, 10 to 14 = #TS #NP #SS #GP #PF, 17 = #AC */
#define ERROR_CODE_VECTORS 0x27d00u

/* Operand: the field that counts the entries of the area. */
static bool wants_msr_area(const struct check *check, uint64_t value, uint64_t counter)
{
    return !check_field((enum vmcs_field)counter) || wants_address(check, value, 0xf);
}

static bool wants_msr_area_end(const struct check *check, uint64_t value, uint64_t counter)
{
    uint64_t count = check_field((enum vmcs_field)counter);
    return !count || wants_address(check, value + count * 16 - 1, 0);
}

static bool wants_event_type(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t type = value & EVENT_TYPE;
    (void)operand;
    if (type == EVENT_OTHER)
        return check->capability->controls[CONTROL_PRIMARY] >> 32 & PRIMARY_MONITOR_TRAP_FLAG;
    return type != EVENT_RESERVED;
}

static bool wants_event_vector(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t type = value & EVENT_TYPE, vector = value & 0xff;
    (void)check;
    (void)operand;
    return !(type == EVENT_NMI && vector != VECTOR_NMI) &&
           !(type == EVENT_HARDWARE_EXCEPTION && vector > 31) &&
           !(type == EVENT_OTHER && vector != 0);
}

static bool has_error_code(uint64_t vector)
{
    return vector < 32 && ERROR_CODE_VECTORS >> vector & 1;
}

static bool wants_error_code_there(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return value & EVENT_DELIVER_ERROR_CODE || (value & EVENT_TYPE) != EVENT_HARDWARE_EXCEPTION ||
           check->capability->basic & BASIC_ANY_ERROR_CODE || !has_error_code(value & 0xff);
}

static bool wants_error_code_absent(const struct check *check, uint64_t value, uint64_t operand)
{
    (void)operand;
    return !(value & EVENT_DELIVER_ERROR_CODE) ||
           ((value & EVENT_TYPE) == EVENT_HARDWARE_EXCEPTION && check->facts & IF(GUEST_PE) &&
            (check->capability->basic & BASIC_ANY_ERROR_CODE || has_error_code(value & 0xff)));
}

static bool wants_event_length(const struct check *check, uint64_t value, uint64_t operand)
{
    uint64_t type = check_field(VMCS_ENTRY_INTERRUPTION_INFO) & EVENT_TYPE;
    (void)operand;
    if (type != EVENT_SOFTWARE_INTERRUPT && type != EVENT_PRIVILEGED_TRAP &&
        type != EVENT_SOFTWARE_EXCEPTION)
        return true;
    return value <= 15 && (value || check->capability->misc & MISC_INJECT_LENGTH_0);
}

/* In IA-32e mode the bit must be 1, outside it 0. */
static bool wants_mode(const struct check *check, uint64_t value, uint64_t bit)
{
    (void)check;
    return !!(value & bit) == !!(x86_rdmsr(IA32_EFER) & EFER_LMA);
}

static bool wants_mode_if_set(const struct check *check, uint64_t value, uint64_t bit)
{
    return !(value & bit) || wants_mode(check, value, bit);
}

#define MSR_AREA                                                                                  \
    "27.2.1.2: 16-byte aligned, and no bits beyond the physical-address width, unless the count " \
    "is 0"
#define MSR_AREA_END "27.2.1.2: the area's last byte within the physical-address width"

static const struct rule rules[] = {
    {VMCS_EXIT_CONTROLS, ALWAYS, NEVER, wants_settings, CONTROL_EXIT,
     "27.2.1.2: reserved bits as the capability MSR has them"},
    {VMCS_EXIT_CONTROLS, ALWAYS, IF(PIN_BASED_PREEMPTION_TIMER), wants_clear,
     EXIT_SAVE_PREEMPTION_TIMER,
     "27.2.1.2: without the VMX-preemption timer: save VMX-preemption timer value must be 0"},
    {VMCS_EXIT_MSR_STORE, ALWAYS, NEVER, wants_msr_area, VMCS_EXIT_MSR_STORE_COUNT, MSR_AREA},
    {VMCS_EXIT_MSR_STORE, ALWAYS, NEVER, wants_msr_area_end, VMCS_EXIT_MSR_STORE_COUNT,
     MSR_AREA_END},
    {VMCS_EXIT_MSR_LOAD, ALWAYS, NEVER, wants_msr_area, VMCS_EXIT_MSR_LOAD_COUNT, MSR_AREA},
    {VMCS_EXIT_MSR_LOAD, ALWAYS, NEVER, wants_msr_area_end, VMCS_EXIT_MSR_LOAD_COUNT, MSR_AREA_END},
    {VMCS_ENTRY_CONTROLS, ALWAYS, NEVER, wants_settings, CONTROL_ENTRY,
     "27.2.1.3: reserved bits as the capability MSR has them"},
    {VMCS_ENTRY_INTERRUPTION_INFO, IF(INJECTS), NEVER, wants_event_type, 0,
     "27.2.1.3: type 1 is reserved, and 7 without the monitor trap flag"},
    {VMCS_ENTRY_INTERRUPTION_INFO, IF(INJECTS), NEVER, wants_event_vector, 0,
     "27.2.1.3: vector 2 for an NMI, at most 31 for a hardware exception, 0 for type 7"},
    {VMCS_ENTRY_INTERRUPTION_INFO, IF(INJECTS) | IF(GUEST_PE), NEVER, wants_error_code_there, 0,
     "27.2.1.3: bit 11 must be 1: in protected mode this exception has an error code"},
    {VMCS_ENTRY_INTERRUPTION_INFO, IF(INJECTS), NEVER, wants_error_code_absent, 0,
     "27.2.1.3: bit 11 must be 0: this event has no error code, or CR0.PE is 0"},
    {VMCS_ENTRY_INTERRUPTION_INFO, IF(INJECTS), NEVER, wants_clear, 0x7ffff000,
     "27.2.1.3: bits 30:12 must be 0"},
    {VMCS_ENTRY_EXCEPTION_ERROR_CODE, IF(INJECTS_ERROR_CODE), NEVER, wants_clear, 0xffff0000,
     "27.2.1.3: bits 31:16 must be 0"},
    {VMCS_ENTRY_INSTRUCTION_LENGTH, IF(INJECTS), NEVER, wants_event_length, 0,
     "27.2.1.3: for a software event at most 15, and 0 only with IA32_VMX_MISC[30]"},
    {VMCS_ENTRY_MSR_LOAD, ALWAYS, NEVER, wants_msr_area, VMCS_ENTRY_MSR_LOAD_COUNT, MSR_AREA},
    {VMCS_ENTRY_MSR_LOAD, ALWAYS, NEVER, wants_msr_area_end, VMCS_ENTRY_MSR_LOAD_COUNT,
     MSR_AREA_END},
    {VMCS_ENTRY_CONTROLS, ALWAYS, NEVER, wants_clear, ENTRY_TO_SMM | ENTRY_END_DUAL_MONITOR,
     "27.2.1.3: outside SMM: entry to SMM and deactivate dual-monitor treatment must be 0"},
    {VMCS_EXIT_CONTROLS, ALWAYS, NEVER, wants_mode, EXIT_HOST_64_BIT,
     "27.2.4: host address-space size must be 1 in IA-32e mode, and 0 outside it"},
    {VMCS_ENTRY_CONTROLS, ALWAYS, NEVER, wants_mode_if_set, ENTRY_IA32E_GUEST,
     "27.2.4: outside IA-32e mode: IA-32e mode guest must be 0"},
};

bool check_transitions(const struct check *check, struct vmcs_fault *fault)
{
    return CHECK_RULES(check, rules, fault);
}
