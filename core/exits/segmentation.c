/* SPDX-License-Identifier: MIT */
#include "segmentation.h"

#include "../vmx/segment.h"
#include "../vmx/vmcs.h"
#include "../x86/control_registers.h"

/* The fields of each kind follow each other in the order of the segments. */
#define FIELD(first) ((enum vmcs_field)(VMCS_GUEST_ES_##first + 2 * segment))

bool segment_allows(unsigned segment, uint64_t offset, size_t size, bool write)
{
    uint32_t rights = (uint32_t)vmread(FIELD(ACCESS_RIGHTS));
    uint64_t lowest = 0, highest = vmread(FIELD(LIMIT));
    bool code = rights & SEGMENT_CODE;

    if (rights & SEGMENT_UNUSABLE)
        return false;
    /* Real mode reads and writes through every type. */
    if ((code ? write || !(rights & SEGMENT_WRITABLE) : write && !(rights & SEGMENT_WRITABLE)) &&
        vmread(VMCS_GUEST_CR0) & CR0_PE)
        return false;
    if (!code && rights & SEGMENT_EXPAND_DOWN) {
        lowest = highest + 1;
        highest = rights & SEGMENT_BIG ? UINT32_MAX : UINT16_MAX;
    }
    return offset >= lowest && offset + size - 1 <= highest;
}

uint64_t segment_linear(unsigned segment, uint64_t offset, bool in_64_bit_mode)
{
    if (!in_64_bit_mode)
        return (uint32_t)(offset + vmread(FIELD(BASE)));
    return segment >= SEGMENT_FS ? offset + vmread(FIELD(BASE)) : offset;
}
