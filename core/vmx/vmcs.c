/* SPDX-License-Identifier: MIT */
#include "vmcs.h"

bool vmcs_create(struct vmcs *vmcs, uint32_t revision)
{
    uint32_t *region = platform_pages_allocate(1, PAGE_SIZE);
    if (!region)
        return false;
    region[0] = revision & 0x7fffffff; /* bit 31 would make it a shadow VMCS */
    vmcs->region = region;
    vmcs->physical = platform_physical(region);
    if (!vmcs_unbind(vmcs)) {
        platform_pages_free(region, 1);
        vmcs->region = NULL;
        return false;
    }
    return true;
}

void vmcs_destroy(struct vmcs *vmcs)
{
    if (!vmcs->region)
        return;
    vmcs_unbind(vmcs);
    platform_pages_free(vmcs->region, 1);
    vmcs->region = NULL;
}

bool vmcs_bind(const struct vmcs *vmcs)
{
    return vmx_succeeded("VMPTRLD", x86_vmptrld(vmcs->physical));
}

bool vmcs_unbind(const struct vmcs *vmcs)
{
    return vmx_succeeded("VMCLEAR", x86_vmclear(vmcs->physical));
}

bool vmcs_write(enum vmcs_field field, uint64_t value, uint32_t *first_failure)
{
    enum vmx_failure failure = x86_vmwrite_checked(field, value);
    if (failure == VMX_SUCCEED)
        return true;
    platform_log("VMWRITE of %s (0x%x) = 0x%llx failed: %s\n", vmcs_field_name(field), field,
                 (unsigned long long)value, vmx_failure_name(failure));
    if (*first_failure == VMCS_NO_FIELD)
        *first_failure = field;
    return false;
}

bool vmcs_read(enum vmcs_field field, uint64_t *value, uint32_t *first_failure)
{
    enum vmx_failure failure = x86_vmread_checked(field, value);
    if (failure == VMX_SUCCEED)
        return true;
    platform_log("VMREAD of %s (0x%x) failed: %s\n", vmcs_field_name(field), field,
                 vmx_failure_name(failure));
    if (*first_failure == VMCS_NO_FIELD)
        *first_failure = field;
    return false;
}

static const char *const instruction_errors[] = {
    [1] = "VMCALL executed in VMX root operation",
    [2] = "VMCLEAR with invalid physical address",
    [3] = "VMCLEAR with VMXON pointer",
    [4] = "VMLAUNCH with non-clear VMCS",
    [5] = "VMRESUME with non-launched VMCS",
    [6] = "VMRESUME after VMXOFF",
    [7] = "VM entry with invalid control fields",
    [8] = "VM entry with invalid host-state fields",
    [9] = "VMPTRLD with invalid physical address",
    [10] = "VMPTRLD with VMXON pointer",
    [11] = "VMPTRLD with incorrect VMCS revision identifier",
    [12] = "VMREAD/VMWRITE from/to unsupported VMCS component",
    [13] = "VMWRITE to read-only VMCS component",
    [15] = "VMXON executed in VMX root operation",
    [16] = "VM entry with invalid executive-VMCS pointer",
    [17] = "VM entry with non-launched executive VMCS",
    [18] = "VM entry with executive-VMCS pointer not VMXON pointer",
    [19] = "VMCALL with non-clear VMCS",
    [20] = "VMCALL with invalid VM-exit control fields",
    [22] = "VMCALL with incorrect MSEG revision identifier",
    [23] = "VMXOFF under dual-monitor treatment of SMIs and SMM",
    [24] = "VMCALL with invalid SMM-monitor features",
    [25] = "VM entry with invalid VM-execution control fields in executive VMCS",
    [26] = "VM entry with events blocked by MOV SS",
    [28] = "invalid operand to INVEPT/INVVPID",
};

const char *vmx_instruction_error_name(uint64_t number)
{
    if (number < sizeof(instruction_errors) / sizeof(instruction_errors[0]) &&
        instruction_errors[number])
        return instruction_errors[number];
    return "unknown VM-instruction error";
}

const char *vmx_failure_name(enum vmx_failure failure)
{
    return failure == VMX_FAIL_VALID ? vmx_instruction_error_name(vmx_instruction_error())
                                     : "VMfailInvalid: no current VMCS";
}

__attribute__((cold)) void vmx_log_failure(const char *instruction, enum vmx_failure failure)
{
    platform_log("%s failed: %s\n", instruction, vmx_failure_name(failure));
}

uint64_t vmx_instruction_error(void)
{
    uint64_t error;
    return x86_vmread_checked(VMCS_INSTRUCTION_ERROR, &error) == VMX_SUCCEED ? error : 0;
}
