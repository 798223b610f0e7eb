/* SPDX-License-Identifier: MIT */
/* What VM exits and VM entries do besides, for probes: none of it is the guest's to see. */
#include "../x86/msr.h"
#include "vcpu.h"

/*
 * Nehalem and Westmere: a VM exit may clear bits 34:32 of IA32_PERF_GLOBAL_CTRL (errata AAK155,
 * AAP115, AAT100, BC86, AAY89, BD102, BA97). Family 6, by model.
 */
static const uint8_t clears_on_exit[] = {0x1a, 0x1e, 0x25, 0x2c, 0x2e};

static bool has_erratum(void)
{
    uint32_t signature = x86_cpuid(1, 0).eax;
    uint32_t model = (signature >> 4 & 0xf) | (signature >> 12 & 0xf0);

    for (unsigned i = 0; i < sizeof(clears_on_exit); i++)
        if ((signature >> 8 & 0xf) == 6 && model == clears_on_exit[i])
            return true;
    return false;
}

static bool can_set(const struct vmx_capability *capability, enum control_group group, uint32_t bit)
{
    return capability->controls[group] >> 32 & bit;
}

const char *vcpu_performance_absent(const struct vmx_capability *capability)
{
    if (!can_set(capability, CONTROL_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL))
        return "host and guest cannot be told apart: this CPU cannot load IA32_PERF_GLOBAL_CTRL on "
               "VM exit";
    if (!can_set(capability, CONTROL_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL))
        return "host and guest cannot be told apart: this CPU cannot load IA32_PERF_GLOBAL_CTRL on "
               "VM entry";
    if (has_erratum())
        return "host and guest cannot be told apart: on this CPU model a VM exit may clear bits of "
               "IA32_PERF_GLOBAL_CTRL (erratum AAK155 and its like)";
    return NULL;
}

/* Sets or clears a control that the vCPU has in force, as far as the CPU lets it be cleared. */
static bool switch_control(struct vcpu *vcpu, enum control_group group, uint32_t bit, bool on,
                           enum vmcs_field field, uint32_t *failure)
{
    uint32_t must_be_one = (uint32_t)vcpu->capability->controls[group];
    uint32_t value = on ? vcpu->controls[group] | bit : vcpu->controls[group] & ~bit;

    value |= must_be_one & bit;
    if (!vmcs_write(field, value, failure))
        return false;
    vcpu->controls[group] = value;
    return true;
}

/* Both transitions load the MSR, or neither does. */
static bool switch_loading(struct vcpu *vcpu, bool on, uint32_t *failure)
{
    bool exits = switch_control(vcpu, CONTROL_EXIT, EXIT_LOAD_PERF_GLOBAL_CTRL, on,
                                VMCS_EXIT_CONTROLS, failure);
    bool entries = switch_control(vcpu, CONTROL_ENTRY, ENTRY_LOAD_PERF_GLOBAL_CTRL, on,
                                  VMCS_ENTRY_CONTROLS, failure);
    return exits && entries;
}

bool vcpu_set_performance(struct vcpu *vcpu, uint64_t host, uint64_t guest)
{
    bool apart = host != guest;
    const char *absent = apart ? vcpu_performance_absent(vcpu->capability) : NULL;
    uint32_t failure = VMCS_NO_FIELD;

    if (absent) {
        vcpu->stop = (struct vcpu_stop){.cause = STOP_CONTROL_REFUSED, .text = absent};
        return false;
    }
    bool written = !apart || (vmcs_write(VMCS_HOST_PERF_GLOBAL_CTRL, host, &failure) &&
                              vmcs_write(VMCS_GUEST_PERF_GLOBAL_CTRL, guest, &failure));
    if (!written || !switch_loading(vcpu, apart, &failure))
        switch_loading(vcpu, false, &failure);
    return vcpu_written(vcpu, failure);
}

bool vcpu_set_hardware_stamp(struct vcpu *vcpu, bool on)
{
    vcpu->hardware_stamp = (struct msr_area_entry){.msr = IA32_TSC};
    return msr_area_set(vcpu, MSR_AREA_EXIT_STORE, &vcpu->hardware_stamp, on ? 1 : 0);
}
