/* SPDX-License-Identifier: MIT */
/*
 * The checks that VM entry makes (SDM Vol. 3C 27.2 and 27.3.1), made in software, so that the wrong
 * field has a name: the CPU says no more than "invalid control fields", "invalid host-state fields"
 * or "invalid guest state". For use after a VM entry that failed; takes some 300 VMREADs.
 */
#ifndef EXITMETER_CORE_VMX_CHECK_H
#define EXITMETER_CORE_VMX_CHECK_H

#include "capability.h"
#include "vmcs_field.h"

#include <stdbool.h>
#include <stdint.h>

struct vmcs_fault {
    enum vmcs_field field;
    const char *rule; /* section of the SDM and what it demands; a static string */
    uint64_t value;   /* of the field */
};

/* What VM entry checks, in its order. */
enum vmcs_area {
    VMCS_AREA_CONTROLS = 1, /* 27.2.1, and what 27.2.4 says of controls: error 7, or 8 for 27.2.4 */
    VMCS_AREA_HOST = 2,     /* 27.2.2 to 27.2.4: error 8 */
    VMCS_AREA_GUEST = 4,    /* 27.3.1: exit reason 33 */
    VMCS_AREA_ALL = 7,
};

/*
 * True if the current VMCS breaks none of the rules; else false, and *fault is the first rule
 * broken. A field that this CPU lacks is not checked. Nothing is changed, but for the
 * VM-instruction error where a VMREAD failed. Reads memory at two addresses that the VMCS holds,
 * by platform_at(): the virtual-APIC page with "use TPR shadow", and what the VMCS link pointer
 * names.
 *
 * Not checked: IA32_RTIT_CTL and IA32_LBR_CTL, tertiary controls and secondary VM-exit controls,
 * PDPTEs in memory (without EPT), a VMCS link pointer to the current VMCS, the MSR areas' contents,
 * and entries from inside SMM.
 */
bool vmcs_check(const struct vmx_capability *capability, struct vmcs_fault *fault);

/* The same for some areas: where the CPU has already said which it did not like. */
bool vmcs_check_areas(const struct vmx_capability *capability, unsigned areas,
                      struct vmcs_fault *fault);

#endif
