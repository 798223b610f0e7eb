/* SPDX-License-Identifier: MIT */
#include "capability.h"

#include "../x86/instructions.h"
#include "../x86/msr.h"

#include <stddef.h>

#define CPUID_ADDRESS_SIZES   0x80000008u
#define PHYSICAL_BITS_WITHOUT 36 /* the leaf; with PAE, SDM Vol. 3A 4.1.4 */

const char *vmx_absent(void)
{
    if (!(x86_cpuid(1, 0).ecx & CPUID_1_ECX_VMX))
        return "no VT-x here: CPUID.1:ECX[5] is 0 (no VMX in this CPU, or hidden by a hypervisor)";
    uint64_t feature_control = x86_rdmsr(IA32_FEATURE_CONTROL);
    if (feature_control & FEATURE_CONTROL_LOCK && !(feature_control & FEATURE_CONTROL_VMX_OUTSIDE))
        return "VT-x is disabled by firmware: IA32_FEATURE_CONTROL is locked with bit 2 clear";
    return NULL;
}

void vmx_capability_read(struct vmx_capability *capability)
{
    /* The plain and the TRUE form of each control field's MSR. */
    static const uint32_t msrs[CONTROL_GROUPS][2] = {
        [CONTROL_PIN_BASED] = {IA32_VMX_PINBASED_CTLS, IA32_VMX_TRUE_PINBASED_CTLS},
        [CONTROL_PRIMARY] = {IA32_VMX_PROCBASED_CTLS, IA32_VMX_TRUE_PROCBASED_CTLS},
        [CONTROL_EXIT] = {IA32_VMX_EXIT_CTLS, IA32_VMX_TRUE_EXIT_CTLS},
        [CONTROL_ENTRY] = {IA32_VMX_ENTRY_CTLS, IA32_VMX_TRUE_ENTRY_CTLS},
    };

    *capability = (struct vmx_capability){
        .basic = x86_rdmsr(IA32_VMX_BASIC),
        .misc = x86_rdmsr(IA32_VMX_MISC),
        .cr0_fixed0 = x86_rdmsr(IA32_VMX_CR0_FIXED0),
        .cr0_fixed1 = x86_rdmsr(IA32_VMX_CR0_FIXED1),
        .cr4_fixed0 = x86_rdmsr(IA32_VMX_CR4_FIXED0),
        .cr4_fixed1 = x86_rdmsr(IA32_VMX_CR4_FIXED1),
        .feature_control = x86_rdmsr(IA32_FEATURE_CONTROL),
    };
    if (x86_cpuid(1, 0).ecx & CPUID_1_ECX_XSAVE) {
        struct cpuid_registers r = x86_cpuid(CPUID_EXTENDED_STATE, 0);
        capability->xcr0 = (uint64_t)r.edx << 32 | r.eax;
        r = x86_cpuid(CPUID_EXTENDED_STATE, 1);
        capability->xsave = r.eax;
        if (r.eax & CPUID_D_1_EAX_XSAVES)
            capability->xss = ((uint64_t)r.edx << 32 | r.ecx) & XSS_CET;
    }
    capability->physical_bits = PHYSICAL_BITS_WITHOUT;
    if (x86_cpuid(0x80000000u, 0).eax >= CPUID_ADDRESS_SIZES)
        capability->physical_bits = (uint8_t)x86_cpuid(CPUID_ADDRESS_SIZES, 0).eax;

    bool true_forms = capability->basic & VMX_BASIC_TRUE_CONTROLS;
    for (int group = 0; group < CONTROL_GROUPS; group++)
        if (msrs[group][0])
            capability->controls[group] = x86_rdmsr(msrs[group][true_forms]);

    /* These two MSRs exist only where the controls they describe can be set. */
    uint32_t primary_allowed = (uint32_t)(capability->controls[CONTROL_PRIMARY] >> 32);
    if (primary_allowed & (uint32_t)PRIMARY_SECONDARY) {
        capability->controls[CONTROL_SECONDARY] = x86_rdmsr(IA32_VMX_PROCBASED_CTLS2);
        uint32_t allowed = (uint32_t)(capability->controls[CONTROL_SECONDARY] >> 32);
        if (allowed & (SECONDARY_EPT | SECONDARY_VPID))
            capability->ept_vpid = x86_rdmsr(IA32_VMX_EPT_VPID_CAP);
    }
}
