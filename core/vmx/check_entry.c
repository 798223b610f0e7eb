/* SPDX-License-Identifier: MIT */
#include "check_entry.h"

#include "check.h"
#include "exit_reason.h"

/* VM-instruction errors, SDM Vol. 3C 31.4. */
#define ERROR_CONTROLS   7u
#define ERROR_HOST_STATE 8u

/* The rule, in the area that the CPU says is wrong; false if none is broken as far as we know. */
static bool find_fault(const struct vcpu *vcpu, struct vmcs_fault *fault)
{
    const struct vmx_capability *capability = vcpu->capability;
    const struct vcpu_stop *stop = &vcpu->stop;

    if (stop->cause == STOP_ENTRY_VALID && stop->value == ERROR_CONTROLS)
        return !vmcs_check_areas(capability, VMCS_AREA_CONTROLS, fault);
    if (stop->cause == STOP_ENTRY_VALID && stop->value == ERROR_HOST_STATE)
        return !vmcs_check_areas(capability, VMCS_AREA_HOST, fault) ||
               !vmcs_check_areas(capability, VMCS_AREA_CONTROLS, fault);
    if (stop->cause == STOP_ENTRY_FAILED &&
        (stop->exit_reason & 0xffff) == EXIT_REASON_ENTRY_GUEST_STATE)
        return !vmcs_check_areas(capability, VMCS_AREA_GUEST, fault);
    return false;
}

void check_entry(struct vcpu *vcpu)
{
    char *text = vcpu->entry_fault;
    struct vmcs_fault fault;

    if (!find_fault(vcpu, &fault))
        return;
    const char *name = vmcs_field_name(fault.field);
    platform_log("VM-entry check: %s = 0x%llx: %s\n", name, (unsigned long long)fault.value,
                 fault.rule);

    const char *const parts[] = {vcpu->stop.text ? vcpu->stop.text : "", ": ", name, ": ",
                                 fault.rule};
    size_t length = 0;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        for (const char *c = parts[i]; *c && length < sizeof(vcpu->entry_fault) - 1; c++)
            text[length++] = *c;
    text[length] = '\0';
    vcpu->stop.text = text;
}
