/* SPDX-License-Identifier: MIT */
/* What rows about interrupts and time require of the policy: it is in the vCPU's controls. */
#include "requirement.h"

#include "../../core/x86/instructions.h"

static bool has_deadline(const struct vcpu *vcpu)
{
    (void)vcpu;
    return x86_cpuid(1, 0).ecx & CPUID_1_ECX_TSC_DEADLINE;
}

static bool has_cores_apic(const struct vcpu *vcpu)
{
    return !local_apic_is_hardware(&vcpu->apic);
}

static bool host_interrupts(const struct vcpu *vcpu)
{
    return has_cores_apic(vcpu) &&
           vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
}

/* Of the CPU's own APIC an interrupt that exits comes to the guest as the core sees fit. */
static bool delivers(const struct vcpu *vcpu)
{
    bool exits = vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_EXTERNAL_INTERRUPT_EXITING;
    return exits == has_cores_apic(vcpu);
}

/* What ends a HLT that exits is the core's to know, of one that does not the CPU's. */
static bool can_halt(const struct vcpu *vcpu)
{
    bool exits = vcpu->controls[CONTROL_PRIMARY] & PRIMARY_HLT_EXITING;
    return exits == has_cores_apic(vcpu);
}

static bool has_virtual_nmis(const struct vcpu *vcpu)
{
    return vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_VIRTUAL_NMIS;
}

static bool has_trap_flag(const struct vcpu *vcpu)
{
    return vcpu->capability->controls[CONTROL_PRIMARY] >> 32 & PRIMARY_MONITOR_TRAP_FLAG;
}

static bool has_preemption_timer(const struct vcpu *vcpu)
{
    return vcpu->controls[CONTROL_PIN_BASED] & PIN_BASED_PREEMPTION_TIMER;
}

static bool pauses_pass(const struct vcpu *vcpu)
{
    return !(vcpu->controls[CONTROL_PRIMARY] & PRIMARY_PAUSE_EXITING);
}

static bool time_passes(const struct vcpu *vcpu)
{
    return !(vcpu->controls[CONTROL_PRIMARY] & PRIMARY_RDTSC_EXITING);
}

static const struct {
    uint32_t requirement;
    bool (*is_met)(const struct vcpu *vcpu);
    const char *lack;
} requirements[] = {
    {ROW_REQUIRES_CORES_APIC, has_cores_apic,
     "under this policy the guest has the CPU's own local APIC, in the mode the host has it in"},
    {ROW_REQUIRES_DEADLINE, has_deadline, "this CPU's local APIC has no TSC-deadline mode"},
    {ROW_REQUIRES_DELIVERY, delivers,
     "under this policy not both the local APIC and its interrupts are the guest's, or the core's"},
    {ROW_REQUIRES_HLT, can_halt,
     "under this policy not both the local APIC and HLT are the guest's, or the core's"},
    {ROW_REQUIRES_HOST_INTERRUPT, host_interrupts,
     "under this policy the host has no interrupts of its own that exit"},
    {ROW_REQUIRES_VIRTUAL_NMIS, has_virtual_nmis, "this CPU lacks \"virtual NMIs\""},
    {ROW_REQUIRES_TRAP_FLAG, has_trap_flag, "this CPU lacks \"monitor trap flag\""},
    {ROW_REQUIRES_PREEMPTION_TIMER, has_preemption_timer,
     "this CPU lacks \"activate VMX-preemption timer\""},
    {ROW_REQUIRES_PAUSE, pauses_pass, "every PAUSE exits under this policy, and a wait has many"},
    {ROW_REQUIRES_PAUSE, time_passes, "RDTSC exits under this policy, and a wait has many"},
};

const char *guest_lacks_of_policy(const struct blob_row *row, const struct vcpu *vcpu)
{
    for (size_t i = 0; i < sizeof(requirements) / sizeof(requirements[0]); i++)
        if (row->requires & requirements[i].requirement && !requirements[i].is_met(vcpu))
            return requirements[i].lack;
    if (row->flags & ROW_FLOOR && !time_passes(vcpu))
        return "RDTSC exits under this policy, and the floor's exit stub knows CPUID alone";
    return NULL;
}
