/* SPDX-License-Identifier: MIT */
#include "guest_start.h"

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
