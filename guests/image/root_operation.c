/* SPDX-License-Identifier: MIT */
#include "root_operation.h"

#include "../../core/x86/instructions.h"
#include "../../core/x86/msr.h"

#include <string.h>

#define CPUID_80000001_EDX_RDTSCP (1u << 27)

/* A bit of IA32_VMX_EPT_VPID_CAP, SDM Vol. 3D appendix A.10, beside the one for the instruction. */
static const struct {
    uint64_t capability;
    const char *lack;
} invalidations[ROOT_NEEDS] = {
    [NEEDS_INVEPT_SINGLE] = {EPT_CAP_INVEPT | EPT_CAP_INVEPT_ONE,
                             "this CPU has no single-context INVEPT"},
    [NEEDS_INVEPT_ALL] = {EPT_CAP_INVEPT | EPT_CAP_INVEPT_ALL, "this CPU has no global INVEPT"},
    [NEEDS_INVVPID_ADDRESS] = {EPT_CAP_INVVPID | 1ull << 40,
                               "this CPU has no individual-address INVVPID"},
    [NEEDS_INVVPID_SINGLE] = {EPT_CAP_INVVPID | EPT_CAP_INVVPID_ONE,
                              "this CPU has no single-context INVVPID"},
    [NEEDS_INVVPID_ALL] = {EPT_CAP_INVVPID | 1ull << 42, "this CPU has no all-context INVVPID"},
    [NEEDS_INVVPID_KEEP_GLOBALS] = {EPT_CAP_INVVPID | 1ull << 43,
                                    "this CPU has no INVVPID that retains globals"},
};

const struct root_operation *root_operation_find(const char *name)
{
    for (unsigned i = 0; i < root_operation_count; i++)
        if (strlen(name) == strlen(root_operations[i].name) &&
            !memcmp(name, root_operations[i].name, strlen(name)))
            return &root_operations[i];
    return NULL;
}

const char *root_operation_lacks(const struct root_operation *operation,
                                 const struct vmx_capability *capability)
{
    uint32_t low, high;
    uint64_t wanted = invalidations[operation->needs].capability;

    switch (operation->needs) {
    case NEEDS_XSAVE:
        return capability->xcr0 ? NULL : "this CPU has no XSAVE, and so no XCR0";
    case NEEDS_RDPMC:
        return x86_rdpmc_checked(0, &low, &high) ? NULL : "RDPMC of counter 0 faults here";
    case NEEDS_RDTSCP:
        return x86_cpuid(0x80000001, 0).edx & CPUID_80000001_EDX_RDTSCP ? NULL
                                                                        : "this CPU has no RDTSCP";
    default:
        return (capability->ept_vpid & wanted) == wanted ? NULL
                                                         : invalidations[operation->needs].lack;
    }
}

bool root_operands_make(struct root_operands *operands, struct vcpu *vcpu, struct ept *map)
{
    const struct vmx_capability *capability = vcpu->capability;

    resident_to_host();
    *operands = (struct root_operands){
        .rip = vmread(VMCS_GUEST_RIP),
        .msr = x86_rdmsr(IA32_KERNEL_GS_BASE),
        .xcr0 = capability->xcr0 ? x86_xgetbv(0) : 0,
        .cr2 = x86_read_cr2(),
        .cr3 = x86_read_cr3(),
        .dr6 = x86_read_dr6(),
        .ept = {.selector = vcpu->ept->pointer},
        .vpid = {.selector = vcpu->vpid},
        .vcpu = vcpu,
        .map = map,
    };
    for (unsigned i = 0; i < 2; i++)
        if (!vmcs_create(&operands->own[i], vmx_revision(capability))) {
            root_operands_end(operands, vcpu);
            return false;
        }
    /* The code swaps the two before it loads the first. */
    operands->vmcs[0] = vcpu->vmcs.physical;
    operands->vmcs[1] = operands->own[0].physical;
    operands->inactive_vmcs = operands->own[1].physical;
    return true;
}

bool root_operands_end(struct root_operands *operands, const struct vcpu *vcpu)
{
    for (unsigned i = 0; i < 2; i++)
        vmcs_destroy(&operands->own[i]);
    return vmcs_bind(&vcpu->vmcs);
}
