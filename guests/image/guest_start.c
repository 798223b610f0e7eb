/* SPDX-License-Identifier: MIT */
#include "guest_start.h"

#include "../../core/x86/instructions.h"

struct vcpu_start guest_start(const struct blob_header *blob, const struct blob_row *row)
{
    struct vcpu_start start = {.identity_map = GUEST_IDENTITY_MAP};

    switch (row->flags & ROW_START_MODE) {
    case ROW_START_REAL:
        start.mode = VCPU_REAL;
        start.cs = GUEST_LOW_BASE >> 4;
        start.rsp = GUEST_LOW_STACK;
        break;
    case ROW_START_PROTECTED:
        start.mode = VCPU_PROTECTED;
        start.rip = blob->entry_protected;
        start.rsp = GUEST_STACK_TOP;
        break;
    default:
        start.mode = VCPU_LONG;
        start.rip = blob->entry;
        start.rsp = GUEST_STACK_TOP;
        start.cr3 = GUEST_PAGE_TABLES;
        break;
    }
    return start;
}

const char *guest_lacks(const struct blob_row *row, const struct vcpu *vcpu)
{
    if (row->requires & ROW_REQUIRES_X2APIC && !(x86_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC))
        return "this CPU has no x2APIC";
    if (row->requires & ROW_REQUIRES_UNRESTRICTED &&
        !(vcpu->controls[CONTROL_SECONDARY] & SECONDARY_UNRESTRICTED_GUEST))
        return "a start in real mode takes \"unrestricted guest\", which this CPU or the policy "
               "lacks";
    return NULL;
}
